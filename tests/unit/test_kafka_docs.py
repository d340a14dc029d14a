"""docs/kafka.md says what the code does: its tables are held against the settings, the metrics and the alerts."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Final

from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from streams.commands.parsing import COMMANDS
from streams.kafka.topics import declared
from streams.metrics import Metrics
from streams.settings import PREFIX, Settings

ROOT: Final = Path(__file__).resolve().parents[2]
TEXT: Final = (ROOT / "docs" / "kafka.md").read_text()


def rows(first: str) -> dict[str, list[str]]:
    """The cells of the table whose first heading is this one, by the first cell, which is code."""
    table = TEXT.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return {key.strip("`"): rest for key, *rest in cells}


def test_the_table_of_settings_is_complete_and_true() -> None:
    told = {}
    for option in fields(Settings):
        default = "" if option.default == "" else f"`{option.default}`"
        told[PREFIX + option.name.upper()] = [default, option.metadata["meaning"]]
    assert rows("variable") == told


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"RELASI_[A-Z_]+[A-Z]", TEXT))
    assert named <= {PREFIX + option.name.upper() for option in fields(Settings)}


def test_the_table_of_metrics_is_complete_and_true() -> None:
    told = {}
    for family in text_string_to_metric_families(Metrics().page().decode()):
        # The client tells of every counter and histogram also when it was created.
        if not family.name.endswith("_created"):
            told[family.name + ("_total" if family.type == "counter" else "")] = [family.documentation]
    assert rows("metric") == told


def test_every_alert_is_explained() -> None:
    (group,) = YAML(typ="safe").load(ROOT / "deploy" / "prometheus" / "alerts.yml")["groups"]
    assert set(rows("alert")) == {rule["alert"] for rule in group["rules"]}


def test_every_command_and_topic_that_is_named_exists() -> None:
    commands = set(re.findall(r"(?:`|/)relasi ([a-z]+)", TEXT))
    assert {"worker", "topics", "produce"} <= commands <= set(COMMANDS)
    topics = set(re.findall(r"relasi\.[a-z]+\.v1|relasi-[a-z]+-changelog", TEXT))
    assert topics <= {topic.name for topic in declared(Settings())}


def test_every_file_that_it_points_to_exists() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
