"""What robots send is kept and shown, and makes no customer."""

from pathlib import Path

from support.messages import START, touchpoint

from schemas.bodies import bodies_of
from streams.embedded.session import Session


def test_a_robot_has_touchpoints_and_no_profile(tmp_path: Path) -> None:
    robot = {"bot": "true", "page": "/"}
    told = [
        touchpoint("e1", "ann", START, "page_viewed", properties={"bot": "false"}),
        touchpoint("e2", None, START, "page_viewed", anonymous_id="crawler", properties=robot),
        # The customer's own browser, and a robot that has her id.
        touchpoint("e3", "ann", START + 1, "order_completed", amount_minor=100, currency="USD", properties=robot),
        touchpoint("e2", None, START, "page_viewed", anonymous_id="crawler", properties=robot),
    ]
    with Session(tmp_path / "data", "test") as session:
        runner = session.runner
        with session.log.transaction():
            runner.append(bodies_of([b"k"] * len(told)), bodies_of(told))
        runner.settle()
        sink = runner.sink

        def rows(query: str) -> list[tuple[object, ...]]:
            return [tuple(row.values()) for row in sink.query(query).to_pylist()]

        assert rows("SELECT customer_id, touchpoints, purchases FROM profiles") == [("ann", 1, 0)]
        assert rows("SELECT event_id, properties['bot'] FROM touchpoints ORDER BY event_id") == [
            ("e1", "false"),
            ("e2", "true"),
            ("e3", "true"),
        ]
        assert rows("SELECT event_id FROM touchpoint_meanings") == [("e1",)]
        assert rows("SELECT customer_id FROM first_touches") == [("ann",)]
