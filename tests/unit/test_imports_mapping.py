"""Mappings: arguments, TOML files, and what is wrong with them."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from streams.imports.mapping import Mapping, add_mapping_arguments, mapping_from, read_mapping
from streams.imports.plan import ReadPlan, plan_of
from streams.imports.problems import MappingProblem


def parsed(*arguments: str) -> Mapping:
    parser = argparse.ArgumentParser()
    add_mapping_arguments(parser)
    return mapping_from(parser.parse_args(arguments))


def test_nothing_said_is_nothing_asked() -> None:
    assert parsed() == Mapping()


def test_arguments() -> None:
    mapping = parsed(
        "--map", "customer_id=user id", "--map", "properties.colour=c", "--set", "kind=a=b", "--format", "csv",
        "--delimiter", "tab", "--names", "c,user id", "--time-format", "%d.%m.%Y", "--decimal", ",", "--keep-extra",
    )  # fmt: skip
    assert mapping == Mapping(
        columns={"customer_id": "user id", "properties.colour": "c"},
        constants={"kind": "a=b"},
        format="csv",
        delimiter="tab",
        header=False,
        names=("c", "user id"),
        time_formats={"occurred_at": "%d.%m.%Y", "received_at": "%d.%m.%Y"},
        decimal=",",
        keep_extra=True,
    )


def test_arguments_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(
        'delimiter = "tab"\ntime_format = {occurred_at = "%Y%m%d"}\n'
        '[columns]\nkind = "k"\ncustomer_id = "c"\nproperties.colour = "x"\n[constants]\ncurrency = "USD"\n'
    )
    assert read_mapping(path) == Mapping(
        columns={"kind": "k", "customer_id": "c", "properties.colour": "x"},
        constants={"currency": "USD"},
        delimiter="tab",
        time_formats={"occurred_at": "%Y%m%d"},
    )
    mapping = parsed("--mapping", str(path), "--set", "kind=order_completed", "--map", "currency=cur")
    assert mapping.columns == {"customer_id": "c", "properties.colour": "x", "currency": "cur"}
    assert mapping.constants == {"kind": "order_completed"}
    assert mapping.delimiter == "tab"


def test_the_digest_sees_what_is_said_and_not_how() -> None:
    assert parsed("--map", "kind=k").digest() == Mapping(columns={"kind": "k"}).digest()
    one, other = Mapping(columns={"kind": "k", "amount": "a"}), Mapping(columns={"amount": "a", "kind": "k"})
    assert one.digest() == other.digest()
    assert one.digest() != Mapping(columns={"kind": "k", "amount": "b"}).digest()


def test_every_problem_is_listed_at_once() -> None:
    with pytest.raises(MappingProblem) as caught:
        parsed("--map", "customer", "--map", "colour=c", "--set", "kind=", "--map", "amount=a", "--set", "amount=7",
               "--delimiter", "||", "--time-format", "%d.%m.")  # fmt: skip
    problems = caught.value.problems
    assert [problem.split(":")[0] for problem in problems] == [
        "--map customer", "--set kind=", "columns.colour", "amount", "time_format", "delimiter",
    ]  # fmt: skip


def test_every_problem_of_a_file_is_listed_with_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "m.toml"
    path.write_text(
        'colour = 1\nheader = "yes"\nnames = "a"\nformat = "xls"\ndecimal = ";"\ncolumns = 7\n[constants]\nkind = []\n'
    )
    with pytest.raises(MappingProblem) as caught:
        read_mapping(path)
    problems = caught.value.problems
    assert all(problem.startswith(f"{path}: ") for problem in problems)
    keys = [problem.removeprefix(f"{path}: ").split(":")[0] for problem in problems]
    assert keys == ["colour", "header", "names", "columns", "constants.kind", "format", "decimal"]


@pytest.mark.parametrize("pattern", ["%Q %Y", "day", "%d.%m."])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(MappingProblem, match="time_format"):
        parsed("--time-format", pattern)


def test_what_is_no_file_and_what_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(MappingProblem, match="cannot be read"):
        read_mapping(tmp_path / "none.toml")
    (tmp_path / "m.toml").write_text("[")
    with pytest.raises(MappingProblem, match="not TOML"):
        read_mapping(tmp_path / "m.toml")


def test_columns_named_like_fields_need_no_mapping_and_others_are_listed() -> None:
    columns = ("customer_id", "kind", "occurred_at", "colour", "properties.size", "amount")
    assert plan_of(columns, Mapping()) == ReadPlan(
        {"customer_id": "customer_id", "kind": "kind", "occurred_at": "occurred_at", "amount": "amount"},
        {"size": "properties.size"},
        ("colour",),
    )
    mapping = Mapping(columns={"kind": "colour"}, constants={"amount": "7"})
    assert plan_of(columns, mapping).ignored == ("kind", "amount")
    assert plan_of(columns, Mapping(keep_extra=True)).properties == {"colour": "colour", "size": "properties.size"}


@pytest.mark.parametrize("name", ["cdnow", "cdnow-sample"])
def test_the_example_mappings_are_mappings(name: str) -> None:
    mapping = read_mapping(Path(__file__).parents[2] / "docs" / "mappings" / f"{name}.toml")
    assert mapping.constants == {"kind": "order_completed", "currency": "USD"}


def test_arguments_are_light_to_import() -> None:
    code = "import sys, streams.imports.mapping; print([m for m in ('pyarrow', 'numpy', 'numba') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=Path(__file__).parents[2])  # fmt: skip
    assert done.stdout.strip() == "[]"
