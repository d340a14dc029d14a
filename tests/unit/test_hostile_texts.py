"""Policies, mappings, stories and settings that take no time and no stack, whatever stands in them."""

import tomllib
from pathlib import Path
from typing import Final

import pytest
from support.bounded import MEMORY, bounded

from processors import toml
from processors.policy.keys import line_of
from processors.policy.policy import POLICY_BYTES, find_problems
from streams.policies import preset
from streams.texts import read_text

PROCESSOR_SECONDS: Final = 15.0
MANY: Final = 150_000
HOSTILE: Final[dict[str, tuple[str, str]]] = {
    "arrays": ("x = " + "[" * MANY, "more than 32 brackets stand within each other (at line 1"),
    "closed arrays": ("x = " + "[" * 400 + "]" * 400, "more than 32 brackets"),
    "tables": ("\nx = " + "{a=" * MANY, "more than 32 brackets stand within each other (at line 2"),
    "dotted key": (".".join("a" * MANY) + " = 1", "more than 32 parts make one dotted key (at line 1"),
    "dotted key, apart": (" . ".join("a" * 50_000) + " = 1", "more than 32 parts"),
    "dotted key, quoted": (".".join(["'a'", '"a"'] * 50_000) + " = 1", "more than 32 parts"),
    "dotted table": ("[" + ".".join("a" * MANY) + "]", "more than 32 parts"),
    "dotted key behind quotes": (
        'x = [ """a"""", {' + ".".join("a" * MANY) + " = 1} ]", "more than 32 parts"),
    "dotted key behind apostrophes": (
        "x = [ '''a''''', {" + ".".join("a" * MANY) + " = 1} ]", "more than 32 parts"),
    "digits": ("x = " + "9" * 400_000, "a number has more than 128 digits (at line 1, column 5)"),
    "spaces": ('x = """\n[' + " " * 400_000 + '\n"""', "name is missing"),
    "strange keys": ("\n".join(f"k{i} = 1" for i in range(40_000)), "k"),
    "hex": ("name = 0x" + "f" * 400_000, "a number has more than 128 digits"),
    "long": ("#" * (POLICY_BYTES + 1), "at most 524,288 fit into a message of the log"),
    "zeros": ("\0" * 400_000, "not valid TOML"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_policy_ends_in_words(name: str, tmp_path: Path) -> None:
    text, says = HOSTILE[name]
    (path := tmp_path / "policy.toml").write_text(text)
    ended = bounded(
        "",
        f"problems = find_problems(Path({str(path)!r}).read_text())\n"
        "print(problems[0].message[:300], problems[-1].message[:300])",
        imports="from processors.policy.policy import find_problems\nfrom pathlib import Path",
    )
    assert says in ended.said, ended.said[:500]
    assert ended.peak < MEMORY
    assert ended.seconds < PROCESSOR_SECONDS


def test_a_text_of_any_size_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(OSError, match="more than 1,048,576 bytes"):
        read_text(path)
    path.write_bytes(b"a = 1 # \xc3\xa9")
    assert read_text(path) == "a = 1 # é"


@pytest.mark.parametrize(
    "text",
    [
        "a.b.c = 1\n[x.y]\nz = [[1.5, 2.5], [3.5]] # [[[[ a.b.c",
        "a = '[[[[[' \nb = \"[[.].{\\\"[\"\nc = '''[[\n['''''\nd = [1]",
        'a = """x"y""z\\"""[[[["""\nb = """ ends in two """""\n[[t]]\n[[t.u]]',
        "a = [" + ", ".join(["1.5"] * 1000) + "]",
        "a = [\n" + "\n".join(f"  {i}.5, # {i}" for i in range(100)) + "\n]",
        "a = " + "[" * 32 + "]" * 32,
        ".".join("a" * 32) + " = 1",
    ],
)
def test_honest_texts_are_read_as_they_were(text: str) -> None:
    assert toml.loads(text) == tomllib.loads(text)


def test_presets_have_no_problem_and_lines_are_found() -> None:
    assert find_problems(preset().text) == []
    text = "a = 1\n[b]\nc.d = 2\n[b.e]\nf = 3\n"
    assert [line_of(text, path) for path in (("a",), ("b",), ("b", "c", "d"), ("b", "e", "f"), ("b", "x"), ("z",))] == [
        1, 2, 3, 5, 2, 1,
    ]  # fmt: skip
