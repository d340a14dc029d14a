"""What a company learns from its relationships at a glance: stages, who is about to leave, what silence changed."""

from typing import Any, Final

from processors.policy.policy import exponent
from streams.clock import show_instant
from streams.reports.sink import Sink

_BAR: Final = 40
_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_LEAVING: Final = 10

STAGES: Final = (
    "SELECT s.stage AS stage, countIf(p.stage = s.stage) AS customers "
    "FROM (SELECT arrayJoin(['awareness', 'exploration', 'commitment', 'dissolution']) AS stage) AS s "
    "CROSS JOIN profiles AS p GROUP BY s.stage"
)
AT_STAKE: Final = (
    "SELECT customer_id, stage, churn_risk, expected_value_minor, churn_risk * expected_value_minor AS loss, "
    "last_purchase_at, currency FROM profiles_at(at = {at:DateTime64(3)}) "
    "WHERE stage != 'dissolution' AND churn_risk IS NOT NULL "
    "ORDER BY loss DESC, customer_id LIMIT {most:UInt32}"
)
SILENCE: Final = (
    "SELECT toStartOfMonth(at) AS month, count() AS ended FROM transitions "
    "WHERE cause = 'silence' AND superseded_by = '' GROUP BY month ORDER BY month"
)
WHOSE: Final = "SELECT parameters FROM forecast_parameters WHERE in_force"
PATH: Final = ("awareness", "exploration", "commitment", "dissolution")


def bar(value: float, largest: float) -> str:
    """A bar of at most 40 characters, to the eighth of one."""
    eighths = round(value / largest * _BAR * 8) if largest else 0
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def insight(sink: Sink, time: int, horizon_ms: int) -> str:
    """The insight as text: how things stand at ``time`` (ms), under a policy that looks so far ahead."""
    return "\n".join([*_stages(sink, time), "", *_leaving(sink, time, horizon_ms), "", *_silence(sink)])


def _stages(sink: Sink, time: int) -> list[str]:
    counts = {row["stage"]: row["customers"] for row in sink.query(STAGES).to_pylist()}
    total, largest = sum(counts.values()), max(counts.values(), default=0)
    lines = [f"How {total:,} relationships stand on {show_instant(time)}"]
    for stage in PATH:
        count = counts.get(stage, 0)
        lines.append(f"  {stage:<12} {count:>7,}  {bar(count, largest)}".rstrip())
    return lines


def _leaving(sink: Sink, time: int, horizon_ms: int) -> list[str]:
    rows = sink.query(AT_STAKE, {"at": time / 1000, "most": _LEAVING}).to_pylist()
    days = horizon_ms // 86_400_000
    lines = [
        f"About to leave: risk of no purchase in {days} days, times the spend expected in them",
        *(f"  forecasts: {row['parameters']}" for row in sink.query(WHOSE).to_pylist()),
        f"  {'customer':<12} {'stage':<12} {'risk':>6} {'expected':>10} {'loss':>10}  last purchase",
    ]
    return lines + [_row(row) for row in rows]


def _row(row: dict[str, Any]) -> str:
    unit = 10 ** exponent(row["currency"])
    expected, loss = row["expected_value_minor"] / unit, row["loss"] / unit
    return (
        f"  {row['customer_id']:<12} {row['stage']:<12} {row['churn_risk']:>6.1%} {expected:>10,.2f} {loss:>10,.2f}  "
        f"{row['last_purchase_at']:%Y-%m-%d}"
    )


def _silence(sink: Sink) -> list[str]:
    rows = sink.query(SILENCE).to_pylist()
    largest = max((row["ended"] for row in rows), default=0)
    ended = sum(row["ended"] for row in rows)
    lines = [f"What silence alone changed: {ended:,} relationships ended and no event said so"]
    return lines + [f"  {row['month']:%Y-%m}      {row['ended']:>7,}  {bar(row['ended'], largest)}" for row in rows]
