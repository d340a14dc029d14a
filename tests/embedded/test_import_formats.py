"""`relasi import`: the same facts and ids, whatever the file looks like."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from support.command import Directory, content, done, relasi
from support.histories import HISTORY, Row, avro_of, csv_file, csv_of, gzipped, jsonl_file, parquet_of, without
from support.sampled import some

FORMATS: Final[dict[str, Callable[[list[Row], Path], Path]]] = {
    "csv.gz": lambda some, path: gzipped(csv_file(some, path.with_suffix(""))),
    "jsonl": jsonl_file,
    "jsonl.gz": lambda some, path: gzipped(jsonl_file(some, path.with_suffix(""))),
    "parquet": parquet_of,
    "avro": avro_of,
    "avro.gz": lambda some, path: gzipped(avro_of(some, path.with_suffix(""))),
}


def test_a_history_becomes_relationships(imported: Directory) -> None:
    facts, profiles = imported.content["transitions"], imported.content["profiles"]
    assert len(imported.content["touchpoints"]) == len(HISTORY)
    assert [row["customer_id"] for row in profiles] == sorted({row["customer_id"] for row in HISTORY})
    assert {fact["to_stage"] for fact in facts} == {"awareness", "exploration", "commitment", "dissolution"}
    assert {fact["cause"] for fact in facts} == {"touchpoint", "silence"}
    assert any(fact["win_back"] for fact in facts)
    # Time passes as it did then: silence is noticed within a day of what it ended.
    noticed = [fact["known_at"] - fact["at"] for fact in facts if fact["cause"] == "silence"]
    assert timedelta(0) <= min(noticed)
    assert max(noticed) <= timedelta(days=1)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", some([*FORMATS], 3))
def test_every_format_gives_the_same_facts(suffix: str, imported: Directory, data: Path) -> None:
    file = FORMATS[suffix](HISTORY, data.with_name(f"history.{suffix}"))
    assert f"{len(HISTORY)} touchpoints imported" in done("import", file, "--data", data)
    assert content(data) == imported.content


@pytest.mark.slow
@pytest.mark.parametrize("suffix", some([*FORMATS], 3))
def test_every_format_gives_the_same_ids(suffix: str, imported_without_ids: Directory, data: Path) -> None:
    file = FORMATS[suffix](without("event_id", HISTORY), data.with_name(f"history.{suffix}"))
    done("import", file, "--data", data)
    assert content(data) == imported_without_ids.content


@pytest.mark.slow
def test_standard_input_gives_the_same(imported: Directory, data: Path) -> None:
    said = done("import", "-", "--data", data, given=csv_of(HISTORY).encode())
    assert said.startswith(f"standard input: {len(HISTORY)} touchpoints imported\n")
    assert content(data) == imported.content


@pytest.mark.slow
def test_several_files_are_one_history(imported: Directory, data: Path) -> None:
    first = csv_file(HISTORY[:100], data.with_name("first.csv"))
    then = jsonl_file(HISTORY[100:], data.with_name("then.jsonl"))
    said = done("import", first, then, "--data", data)
    assert [line for line in said.splitlines() if line[0] != " "] == [
        "first.csv: 100 touchpoints imported", "then.jsonl: 140 touchpoints imported"
    ]  # fmt: skip
    assert content(data) == imported.content


FOREIGN: Final = "wer;wann;betrag;was;bon\n" + "".join(
    f"{row['customer_id']};{row['occurred_at']:%d.%m.%Y %H:%M};{str(row['amount'] or '').replace('.', ',')};"
    f"{row['kind']};{row['event_id']}\n"
    for row in HISTORY
)
MAPPING: Final = """
delimiter = "semicolon"
decimal = ","
time_format = "%d.%m.%Y %H:%M"
[columns]
customer_id = "wer"
occurred_at = "wann"
kind = "was"
amount = "betrag"
event_id = "bon"
[constants]
currency = "USD"
channel = "shop"
"""
ARGUMENTS: Final = (
    *("--delimiter", ";", "--decimal", ",", "--time-format", "%d.%m.%Y %H:%M"),
    *("--map", "customer_id=wer", "--map", "occurred_at=wann", "--map", "kind=was", "--map", "amount=betrag"),
    *("--map", "event_id=bon", "--set", "currency=USD", "--set", "channel=shop"),
)


@pytest.mark.slow
def test_other_columns_are_mapped_by_arguments_or_by_a_file(tmp_path: Path) -> None:
    file, mapping = tmp_path / "kasse.csv", tmp_path / "kasse.toml"
    file.write_text(FOREIGN)
    mapping.write_text(MAPPING)
    done("import", file, "--data", tmp_path / "by-arguments", *ARGUMENTS)
    done("import", file, "--data", tmp_path / "by-file", "--mapping", mapping)
    plain = [row | {"channel": "shop", "currency": "USD"} for row in HISTORY]
    done("import", csv_file(plain, tmp_path / "plain.csv"), "--data", tmp_path / "plain")
    expected = content(tmp_path / "plain")
    assert content(tmp_path / "by-arguments") == expected
    assert content(tmp_path / "by-file") == expected


def test_every_problem_of_a_mapping_is_told_at_once(tmp_path: Path) -> None:
    file = csv_file(HISTORY, tmp_path / "history.csv")
    ran = relasi("import", file, "--map", "klant=x", "--set", "kind", "--data", tmp_path / "data")
    assert (ran.code, ran.out) == (2, "")
    assert "--set kind: expected FIELD=VALUE" in ran.err
    assert "columns.klant: not a field of a touchpoint" in ran.err
    assert not (tmp_path / "data").exists()
