"""Many messages in one buffer."""

from hypothesis import given
from hypothesis import strategies as st

from schemas.bodies import Bodies, bodies_of, one_after_another

texts = st.lists(st.binary(max_size=9), max_size=5)


@given(st.lists(st.tuples(texts, st.integers(0, 5)), min_size=1, max_size=4))
def test_messages_of_several_buffers_follow_one_another(drawn: list[tuple[list[bytes], int]]) -> None:
    parts, wanted = [], []
    for messages, skipped in drawn:
        whole = bodies_of(messages)
        parts.append(Bodies(whole.buffer, whole.offsets[min(skipped, len(messages)) :]))
        wanted += messages[skipped:]
    joined = one_after_another(parts)
    assert [joined.message(i) for i in range(len(joined.offsets) - 1)] == wanted
