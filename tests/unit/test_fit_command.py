"""``relasi fit`` from the command line to the exit code."""

import argparse
import json
import random
import subprocess
import sys
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from cdnow_purchases import FOLDER

from processors.policy.policy import find_problems
from streams.commands import fit

COMMERCE = Path(__file__).parents[2] / "processors" / "policy" / "presets" / "commerce.toml"
MAPPING = """\
format = "csv"
delimiter = "whitespace"
names = ["id", "sample_id", "date", "cds", "dollars"]
header = false
time_format = "%Y%m%d"
[columns]
customer_id = "sample_id"
occurred_at = "date"
amount = "dollars"
[constants]
kind = "Order Completed"
"""


def run(*arguments: object) -> int:
    parser = argparse.ArgumentParser(prog="relasi fit")
    fit.add_arguments(parser)
    return fit.run(parser.parse_args([str(argument) for argument in arguments]))


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "cdnow.toml"
    path.write_text(MAPPING)
    return path


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(COMMERCE.read_text())
    return path


def log(path: Path, rows: list[tuple[str, str]]) -> Path:
    lines = ["customer_id,occurred_at,kind", *(f"{who},{day}T12:00:00Z,order_completed" for who, day in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "published", "log_likelihood"),
    [("bgnbd", [0.2426, 4.4136, 0.7929, 2.4259], -9582.43), ("mbgnbd", [0.525, 6.183, 0.891, 1.614], -9582.14)],
)
def test_the_cdnow_sample_as_json(
    mapping: Path, capsys: pytest.CaptureFixture[str], model: str, published: list[float], log_likelihood: float
) -> None:
    sample = FOLDER / "CDNOW_sample.txt"
    code = run(sample, "--mapping", mapping, "--model", model, "--until", "1997-09-30", "--format", "json")
    output = capsys.readouterr()
    assert code == 0
    assert output.err == ""
    answer = json.loads(output.out)
    assert list(answer) == ["model", "params", "log_likelihood", "customers"]
    assert list(answer["params"]) == ["r", "alpha", "a", "b"]
    assert (answer["model"], answer["customers"]) == (model, 2357)
    assert list(answer["params"].values()) == pytest.approx(published, rel=0.01)
    assert answer["log_likelihood"] == pytest.approx(log_likelihood, abs=0.02)


@pytest.mark.slow
def test_pareto_nbd_of_the_cdnow_sample_which_no_policy_can_hold(
    mapping: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (FOLDER / "CDNOW_sample.txt", "--mapping", mapping, "--model", "paretonbd", "--until", "1997-09-30")
    assert run(*arguments, "--format", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer["params"]) == ["r", "alpha", "s", "beta"]
    assert list(answer["params"].values()) == pytest.approx([0.553, 10.578, 0.606, 11.669], rel=0.01)
    assert answer["log_likelihood"] == pytest.approx(-9594.98, abs=0.02)
    assert run(*arguments, "--write", policy) == 2
    assert "takes mbgnbd or bgnbd" in capsys.readouterr().err
    assert policy.read_text() == COMMERCE.read_text()


def test_the_spend_of_the_cdnow_sample_is_stored_beside(
    mapping: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (FOLDER / "CDNOW_sample.txt", "--mapping", mapping, "--model", "gammagamma", "--until", "1997-09-30")
    assert run(*arguments, "--format", "json", "--write", policy) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer["params"]) == ["p", "q", "gamma"]
    assert list(answer["params"].values()) == pytest.approx([6.25, 3.74, 15.44], rel=0.01)
    assert (answer["customers"], answer["log_likelihood"]) == (946, pytest.approx(-4055.92, abs=0.02))
    before, after = tomllib.loads(COMMERCE.read_text()), tomllib.loads(policy.read_text())
    assert after == before | {
        "value": before.get("value", {}) | answer["params"],
        "estimated": {"spend": "from 946 customers until 1997-09-30"},
    }
    assert run(*arguments) == 0
    assert (
        "946 customers with spend on repeat days until 1997-09-30, first purchases left out" in capsys.readouterr().out
    )


@pytest.mark.slow
def test_segments_get_parameters_of_their_own_only_where_they_differ(
    mapping: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = FOLDER / "CDNOW_sample.txt"
    assert run(sample, "--mapping", mapping, "--until", "1997-09-30", "--segment", "first_month") == 0
    said = capsys.readouterr().out
    assert said.count("pooled: its own fit is not significantly better") == 3
    lines = ["customer_id,occurred_at,kind,channel"]
    chance = random.Random(4)
    for channel, mean, customers in (("store", 12.0, 300), ("shop", 60.0, 300), ("fair", 30.0, 20)):
        for number in range(customers):
            at = chance.uniform(0.0, 150.0)
            while at < 360.0:
                day = date(2024, 1, 1) + timedelta(days=int(at))
                lines.append(f"{channel}{number},{day}T12:00:00Z,order_completed,{channel}")
                at += chance.expovariate(1.0 / mean) if chance.random() > 0.05 * (number % 10) else 1e9
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    assert run(path, "--segment", "channel", "--format", "json") == 0
    answer = json.loads(capsys.readouterr().out)
    found = {segment["segment"]: segment for segment in answer["segments"]}
    assert [segment["segment"] for segment in answer["segments"]] == ["shop", "store", "fair"]
    assert {name: segment["parameters"] for name, segment in found.items()} == {
        "shop": "own", "store": "own", "fair": "pooled",
    }  # fmt: skip
    assert found["store"]["of_a_newcomer"] > 2 * found["shop"]["of_a_newcomer"]
    assert "fewer than 100 customers bought again" in found["fair"]["why"]
    assert found["fair"]["params"] == answer["params"]


def test_returns_are_told_and_are_no_purchases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "log.csv"
    path.write_text(
        "customer_id,occurred_at,kind,amount\nann,2024-01-01,order_completed,20\nann,2024-01-09,order_completed,-20\n"
    )
    assert run(path) == 1
    said = capsys.readouterr().err
    assert "1 row(s) with a negative amount are returns, not purchases" in said
    assert "none of the 1 customers has bought on a second day" in said


def test_a_file_or_the_reports_but_not_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 2
    assert "give either a FILE or --from-reports" in capsys.readouterr().err
    assert run("log.csv", "--from-reports") == 2


def test_parameters_are_stored_in_the_policy(mapping: Path, policy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sample = FOLDER / "CDNOW_sample.txt"
    arguments = (sample, "--mapping", mapping, "--until", "1997-09-30", "--unit", "day", "--format", "json")
    assert run(*arguments, "--write", policy) == 0
    params = json.loads(capsys.readouterr().out)["params"]
    churn = tomllib.loads(COMMERCE.read_text())["churn"]
    assert tomllib.loads(policy.read_text())["churn"] == churn | params | {"model": "mbgnbd", "unit": "day"}
    assert params["alpha"] == pytest.approx(6.183 * 7, rel=0.01)
    assert params["r"] == pytest.approx(0.525, rel=0.01)


def test_a_threshold_that_would_now_fire_at_once_is_pointed_out(
    mapping: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    former = (Path(__file__).parents[1] / "data" / "policies_1" / "commerce.toml").read_text()
    policy.write_text(former.replace("threshold = 0.5 ", "threshold = 0.7 "))
    assert run(FOLDER / "CDNOW_sample.txt", "--mapping", mapping, "--write", policy) == 0
    assert "policy.toml, line" in (said := capsys.readouterr().err)
    assert "threshold" in said


@pytest.mark.slow
def test_the_answer_as_text_names_the_end_of_the_log(mapping: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(FOLDER / "CDNOW_sample.txt", "--mapping", mapping, "--until", "1998-12-31") == 0
    output = capsys.readouterr()
    assert "2,357 customers until 1998-12-31, in weeks" in output.out
    assert "the log ends on 1998-06-30" in output.err


def test_customers_who_do_not_differ_in_leaving_are_stored_as_such(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    regular = [(f"c{i}", f"2024-{month:02}-{1 + i % 28:02}") for i in range(40) for month in range(1, 13)]
    purchases = log(tmp_path / "regular.csv", regular)
    assert run(purchases, "--model", "bgnbd", "--write", policy) == 0
    assert "dropout is degenerate" in capsys.readouterr().err
    churn = tomllib.loads(policy.read_text())["churn"]
    assert churn["a"] / (churn["a"] + churn["b"]) < 0.01, "nobody leaves, and no other company's parameters stay"
    assert find_problems(policy.read_text()) == []


@pytest.mark.slow
def test_all_models_are_fitted_by_default_and_silence_with_them(
    mapping: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (FOLDER / "CDNOW_sample.txt", "--mapping", mapping)
    assert run(*arguments, "--format", "json", "--write", policy) == 0
    answer = json.loads(capsys.readouterr().out)
    silence, stored = answer["silence"], tomllib.loads(policy.read_text())
    assert (silence["promised"], silence["horizon_days"]) == (0.1, 91.0)
    assert silence["announced"] > 300
    assert silence["came_back"] <= 0.15
    for band in ("once", "new", "known"):
        assert stored["silence"][band] == pytest.approx(silence[band], abs=1e-5)
    assert {name: stored["value"][name] for name in ("p", "q", "gamma")} == answer["spend"]["params"]
    assert stored["estimated"]["purchases"] == "from 2,357 customers until 1998-06-30"
    assert find_problems(policy.read_text()) == []
    assert run(*arguments) == 0
    assert "promised 10.0%" in capsys.readouterr().out


def test_a_log_without_repeat_purchases_fails_with_a_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(log(tmp_path / "once.csv", [("ann", "2024-01-01"), ("bob", "2024-02-01")])) == 1
    said = capsys.readouterr().err
    assert "once.csv: none of the 2 customers has bought on a second day" in said


def test_other_kinds_are_purchases_when_the_caller_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    purchases = log(tmp_path / "log.csv", [("ann", "2024-01-01"), ("ann", "2024-02-01")])
    assert run(purchases, "--purchase-kind", "Store Purchase") == 1
    assert "looked for the kind store_purchase" in capsys.readouterr().err


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"c{i}", day) for i in range(30) for day in ("2024-01-01", "2024-01-20", "2024-03-09")[: 1 + i % 3]]
    run(log(tmp_path / "log.csv", [*rows, ("ann", "yesterday")]))
    assert "1 row(s) left out; the first is row 62" in capsys.readouterr().err


@pytest.mark.parametrize("broken", ["", "name = \n", 'name = "x"\n[kinds]\norder_completed = { purchase = false }\n'])
def test_a_policy_that_cannot_say_what_a_purchase_is_fails_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], broken: str
) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(broken)
    assert run(tmp_path / "never-read.csv", "--write", path) == 2
    assert "broken.toml" in capsys.readouterr().err


def test_a_wrong_date_and_a_missing_file_say_what_was_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path / "log.csv", "--until", "30.9.1997")
    assert "expected one like 1997-09-30" in capsys.readouterr().err
    assert run(tmp_path / "absent.csv") == 1
    assert "absent.csv" in capsys.readouterr().err


def test_declaring_the_arguments_imports_nothing_heavy() -> None:
    code = (
        "import argparse, sys; from streams.commands import fit; fit.add_arguments(argparse.ArgumentParser());"
        "print(sorted({'numba', 'numpy', 'pyarrow', 'scipy', 'rich', 'chdb'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_comments_tell_the_values_that_stand_there(
    mapping: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = policy.read_text()
    assert "not yours" in before
    assert "expected to be 35.22" in before
    arguments = (FOLDER / "CDNOW_sample.txt", "--mapping", mapping)
    assert run(*arguments, "--until", "1997-09-30", "--write", policy) == 0
    first = policy.read_text()
    assert "not yours" not in first
    assert "[churn]" + " " * 20 + "# how customers buy and leave; estimated from your data, from 2,357" in first
    spend = tomllib.loads(first)["value"]
    newcomer = spend["p"] * spend["gamma"] / (spend["q"] - 1)
    assert f"# with these, a purchase of a customer not known yet is expected to be {newcomer:,.2f}\n" in first
    assert run(*arguments, "--write", policy) == 0
    again = policy.read_text()
    assert "estimated from your data, from 2,357 customers until 1998-06-30\n" in again
    assert "1997-09-30" not in again
    assert len(again.splitlines()) == len(first.splitlines()), "nothing else was touched"
    assert capsys.readouterr().err == ""


def test_a_log_of_single_purchases_leaves_the_presets_numbers_and_says_so(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = policy.read_text()
    purchases = log(tmp_path / "single.csv", [(f"c{i}", f"2024-01-{1 + i % 28:02}") for i in range(60)])
    assert run(purchases, "--write", policy) == 1
    said = capsys.readouterr().err
    assert "none of the 60 customers has bought on a second day" in said
    assert "policy.toml keeps its numbers: those of the preset, not yours" in said
    assert policy.read_text() == before


def test_a_whale_is_told_and_what_customers_alike_spend_is_stored(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["customer_id,occurred_at,kind,amount,currency"]
    chance = random.Random(2)
    for number in range(80):
        for month in range(1, 7):
            amount = 90_000 if number == 0 else max(1, round(chance.gauss(400, 40)))
            lines.append(
                f"c{number},2024-{month:02}-{1 + (number * 7 + month * month) % 27:02},order_completed,{amount},JPY"
            )
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    rates = {"USD": "JPY", "EUR = 1.08": "EUR = 160.0", "GBP = 1.27": "USD = 150.0"}
    text = policy.read_text()
    for old, new in rates.items():
        text = text.replace(old, new, 1)
    policy.write_text(text)
    assert run(path, "--model", "gammagamma", "--write", policy) == 0
    said = capsys.readouterr().err
    assert "1 of 80 customers spends so differently from all others (up to 90,000.00 a purchase" in said
    spend = tomllib.loads(policy.read_text())["value"]
    assert spend["p"] * spend["gamma"] / (spend["q"] - 1) == pytest.approx(400.0, rel=0.03), (
        "in yen, which have no cents"
    )
