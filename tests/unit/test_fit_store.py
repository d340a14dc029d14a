"""Parameters written into a policy file change their table and nothing else."""

import stat
import tomllib
from pathlib import Path

import pytest

from streams.fitting.store import PolicyEditError, Value, with_table, write_table

FITTED: dict[str, Value] = {"model": "bgnbd", "r": 0.25, "alpha": 4.5, "a": 0.75, "b": 1e-05, "unit": "week"}

POLICY = """\
# What we know about our customers.
name = "shop"

[churn]  # when silence ends it
model = "mbgnbd"      # or bgnbd, see the # manual
r=0.525
  alpha = 6.183  # weeks
"a" = 0.891
b = 1_614e-3
threshold = 0.5
unit = 'day'

[kinds]
b = { purchase = true }  # not a parameter
"""


def test_values_are_replaced_where_they_stand() -> None:
    assert with_table(POLICY, "churn", FITTED) == (
        POLICY.replace('"mbgnbd"', '"bgnbd"')
        .replace("r=0.525", "r=0.25")
        .replace("6.183", "4.5")
        .replace("0.891", "0.75")
        .replace("1_614e-3", "1e-05")
        .replace("'day'", '"week"')
    )


def test_the_packaged_policy_keeps_every_other_line() -> None:
    path = Path(__file__).parents[2] / "processors" / "policy" / "presets" / "commerce.toml"
    before = path.read_text()
    after = with_table(before, "churn", FITTED)
    differing = [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert [line.split("=")[0].strip() for line in differing] == ["model", "r", "alpha", "a", "b"]
    assert all(old.partition("#")[2] in after for old in before.splitlines())
    assert tomllib.loads(after) == tomllib.loads(before) | {"churn": tomllib.loads(before)["churn"] | FITTED}


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("", "[churn]\nr = 0.25\n"),
        ('name = "x"', 'name = "x"\n\n[churn]\nr = 0.25\n'),
        ("[churn]", "[churn]\nr = 0.25\n"),
        ("[churn]\n# soon\n\n[kinds]\n", "[churn]\nr = 0.25\n# soon\n\n[kinds]\n"),
        ("[churn]\nthreshold = 0.5", "[churn]\nthreshold = 0.5\nr = 0.25\n"),
        ("[churn]\r\nr = 1.0\r\nthreshold = 0.5\r\n", "[churn]\r\nr = 0.25\r\nthreshold = 0.5\r\n"),
        ("[churn]\r\nthreshold = 0.5\r\n", "[churn]\r\nthreshold = 0.5\r\nr = 0.25\r\n"),
    ],
)
def test_missing_keys_and_tables_are_added(text: str, edited: str) -> None:
    assert with_table(text, "churn", {"r": 0.25}) == edited


@pytest.mark.parametrize(
    "text",
    [
        "churn = { r = 1.0 }\n",
        "churn.r = 1.0\n",
        "churn = 3\n",
        "[churn]\nr = [\n1.0]\n",
        'note = """\n[churn]\n"""\n[churn]\nr = 1.0\n',
    ],
)
def test_a_table_that_lines_cannot_express_is_refused(text: str) -> None:
    with pytest.raises(PolicyEditError, match="give it a plain table"):
        with_table(text, "churn", {"r": 0.25})


def test_the_file_is_replaced_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(POLICY.encode())
    path.chmod(0o640)
    (tmp_path / "link.toml").symlink_to(path)
    write_table(tmp_path / "link.toml", "churn", FITTED)
    assert path.read_text() == with_table(POLICY, "churn", FITTED)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link.toml", "shop.toml"]


@pytest.mark.parametrize("content", [b"name = \n", b"\xff\xfe", b"churn = 3\n"])
def test_a_policy_that_cannot_be_edited_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.toml"
    path.write_bytes(content)
    with pytest.raises(PolicyEditError, match=r"shop\.toml"):
        write_table(path, "churn", FITTED)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_policy_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyEditError, match=r"absent\.toml"):
        write_table(tmp_path / "absent.toml", "churn", FITTED)


def test_another_table_is_written_beside_it() -> None:
    spend: dict[str, Value] = {"p": 6.25, "q": 3.75, "gamma": 15.5}
    once = with_table(POLICY, "value", spend)
    assert once == POLICY + "\n[value]\np = 6.25\nq = 3.75\ngamma = 15.5\n"
    assert with_table(once, "value", spend | {"q": 4.0}) == once.replace("q = 3.75", "q = 4.0")
    with pytest.raises(PolicyEditError, match=r"value settings .* a plain table \[value\]"):
        with_table("value = 3\n", "value", spend)
