"""What texts of policy version 1 say of a log stays: logs that were recorded with what was said of them then."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any, Final

import pytest
from support.replayed import told_by

from processors.policy.policy import Policy, read_policy

RECORDED: Final = Path(__file__).parents[1] / "data" / "logs_of_policy_1.json.gz"


@pytest.fixture(scope="module")
def recorded() -> dict[str, Any]:
    return dict(json.loads(gzip.decompress(RECORDED.read_bytes())))


@pytest.fixture(scope="module")
def policies(recorded: dict[str, Any]) -> dict[str, Policy]:
    return {name: read_policy(text) for name, text in recorded["policies"].items()}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["b2b", "banking", "commerce", "hotel", "telecom"])
def test_a_log_of_policy_version_1_says_what_it_said(
    name: str, recorded: dict[str, Any], policies: dict[str, Policy]
) -> None:
    logs = [log for log in recorded["logs"] if log["policy"] == name]
    assert len(logs) >= 15
    for log in logs:
        said = told_by(policies[name], base64.b64decode(log["log"]), log["at"])
        assert said == log["told"], log["name"]
