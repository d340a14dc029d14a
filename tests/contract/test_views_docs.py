"""docs/views.md against the schema: every view and every column, with the words of its comment; every example runs."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

import pytest
from support.report_rows import day, policy, profile
from support.report_views import path, store
from support.sampled import some

from streams.reports.ddl import statements
from streams.reports.sink import Sink

PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "views.md").read_text("utf-8")
SECTIONS: Final = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
VIEWS: Final = set(re.findall(r"^CREATE OR REPLACE VIEW (\w+)", "\n".join(statements()), re.MULTILINE))
# Its columns are those of profiles, and the engine does not list them: they depend on the parameter.
WITH_PARAMETER: Final = "profiles_at"


def told(section: str) -> dict[str, str]:
    """The meaning of each column of a section's table."""
    return dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", section, re.MULTILINE))


def test_every_view_has_its_section_and_its_sentence() -> None:
    assert set(SECTIONS) == VIEWS
    assert len(re.findall(r"^### ", PAGE, re.MULTILINE)) == len(VIEWS)
    for name, section in SECTIONS.items():
        sentence = section.split("\n\n")[0].strip()
        assert sentence.endswith((".", "?")), name


def test_every_column_is_there_in_the_words_of_the_schema(sink: Sink) -> None:
    known: dict[str, dict[str, str]] = defaultdict(dict)
    columns = "SELECT table, name, comment FROM system.columns WHERE database = currentDatabase() ORDER BY position"
    for row in sink.query(columns).to_pylist():
        known[row["table"]][row["name"]] = row["comment"]
    for name in VIEWS - {WITH_PARAMETER}:
        assert list(told(SECTIONS[name]).items()) == list(known[name].items()), name


def test_the_view_with_a_parameter_has_the_columns_of_profiles(sink: Sink) -> None:
    answer = sink.query(f"SELECT * FROM {WITH_PARAMETER}(at = '2026-03-01')")
    assert answer.column_names == [*told(SECTIONS["profiles"])]
    assert set(told(SECTIONS[WITH_PARAMETER])) == {
        *("p_alive", "churn_risk", "p_return", "expected_purchases", "expected_value_minor", "clv_minor", "at")
    }


@pytest.mark.slow
def test_every_example_runs(sink: Sink) -> None:
    store(sink, transitions=path("ann", ("exploration", 0)), profiles=[profile(as_of=day(3))], policies=[policy()])
    found: list[str] = []
    for name, section in SECTIONS.items():
        examples = re.findall(r"^```sql\n(.*?)\n```$", section, re.MULTILINE | re.DOTALL)
        assert examples, name
        assert all(re.search(rf"\bFROM {name}\b", example) for example in examples), name
        found += examples
    for example in some(found, 7):
        assert sink.query(example).column_names
