"""The collector keeps what its description says, whatever schemathesis thinks of."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from support.listening import SERVER_KEY, Listening, listening
from support.sampled import examples

from streams.collector.openapi import description

CHECKS: Final = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    unsupported_method,
]
schema = schemathesis.openapi.from_dict(description())


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Listening]:
    with listening(tmp_path_factory.mktemp("listening") / "data") as it:
        yield it


@schema.parametrize()
@settings(
    max_examples=examples(12),
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
)
def test_it_does_what_it_says(case: Any, here: Listening) -> None:
    response = case.call(base_url=here.url, headers={"X-Write-Key": SERVER_KEY})
    case.validate_response(response, checks=CHECKS)
