"""What a group has committed, as the broker says it, also while it can't."""

from typing import Any

import pytest
from kafka.errors import CoordinatorLoadInProgressError, GroupAuthorizationFailedError, KafkaError, NotCoordinatorError
from kafka.structs import OffsetAndMetadata, TopicPartition

from streams.kafka.committed import committed


class _Admin:
    """Answers, one a call."""

    def __init__(self, *answers: KafkaError | dict[TopicPartition, OffsetAndMetadata]) -> None:
        self._answers = list(answers)

    def list_group_offsets(self, groups: dict[str, None]) -> dict[str, Any]:
        answer = self._answers.pop(0)
        if isinstance(answer, KafkaError):
            raise answer
        return dict.fromkeys(groups, answer)


def _at(offset: int) -> OffsetAndMetadata:
    return OffsetAndMetadata(offset, "", -1)


def test_only_the_partitions_of_the_topic_are_said() -> None:
    admin = _Admin({TopicPartition("a", 0): _at(7), TopicPartition("a", 2): _at(9), TopicPartition("b", 1): _at(3)})
    assert committed(admin, "group", "a") == {0: 7, 2: 9}


def test_a_coordinator_that_moves_is_no_answer_yet_and_not_an_offset_of_nothing() -> None:
    admin = _Admin(NotCoordinatorError("moved"), CoordinatorLoadInProgressError("loading"), {})
    assert [committed(admin, "group", "a") for _ in range(3)] == [None, None, {}]


def test_what_does_not_pass_is_raised() -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        committed(_Admin(GroupAuthorizationFailedError("no")), "group", "a")
