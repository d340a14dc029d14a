"""An installed wheel has all that the commands need: the DDL, the schemas, the presets; and says what it lacks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest
from support.clickhouse_server import Server

from streams.reports.ddl import statements

ROOT: Final = Path(__file__).resolve().parents[2]
RELASI: Final = "import sys; from streams.cli import main; sys.exit(main(sys.argv[1:]))"
PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a wheel was installed, made from a copy: a build leaves its folders beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    tree = folder / "tree"
    for name in ("processors", "schemas", "streams", "deploy"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree / name)
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, tree], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*PIP, "install", "--no-deps", "--no-index", "--target", folder / "site", wheel], check=True)
    shutil.rmtree(tree)
    return folder / "site"


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A working directory that is nobody's checkout."""
    return tmp_path


def relasi(site: Path, where: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """The installed command, in plain Python: its machine code would be made for this test alone."""
    return subprocess.run(
        [sys.executable, "-c", RELASI, *words],
        env={**os.environ, "PYTHONPATH": str(site), "NUMBA_DISABLE_JIT": "1", **settings},
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_it_imports_and_answers(installed: Path, away: Path) -> None:
    (away / "orders.csv").write_text(
        "customer_id,occurred_at,kind,amount,currency\nann,2024-03-01,order_completed,12.50,USD\n"
    )
    came = relasi(installed, away, "import", "orders.csv")
    assert came.returncode == 0, came.stderr
    assert came.stdout.startswith("orders.csv: 1 touchpoints imported\n")
    asked = relasi(installed, away, "query", "--format", "csv", "SELECT customer_id, stage FROM profiles")
    assert asked.stdout.splitlines()[-1].replace('"', "") == "ann,exploration", asked.stderr
    assert not (away / "deploy").exists()


def test_it_creates_the_tables_of_a_server(installed: Path, away: Path, clickhouse: Server) -> None:
    url = clickhouse.url(f"relasi_{uuid4().hex}")
    applied = relasi(installed, away, "reports", "apply", RELASI_CLICKHOUSE=url)
    assert applied.returncode == 0, applied.stderr
    created = [sum(head in text for text in statements()) for head in ("CREATE TABLE ", "CREATE OR REPLACE VIEW ")]
    assert applied.stdout.endswith(f": {created[0]} tables and {created[1]} views are there\n")


def test_it_has_every_file_that_is_no_code(installed: Path) -> None:
    rooms = [ROOT / name for name in ("processors", "schemas", "streams")]
    data = [path for room in rooms for path in room.rglob("*") if path.suffix not in (".py", ".pyc") and path.is_file()]
    data += (ROOT / "deploy" / "clickhouse").glob("*.sql")
    assert {path.suffix for path in data} >= {".avsc", ".json", ".sql", ".toml"}
    for path in data:
        assert (installed / path.relative_to(ROOT)).read_bytes() == path.read_bytes()


def test_its_demo_says_what_is_missing(installed: Path, away: Path) -> None:
    said = relasi(installed, away, "demo")
    assert said.returncode == 1
    assert "CDNOW_master.txt.gz" in said.stderr
    assert "run `make demo` in a checkout" in said.stderr
    assert list(away.iterdir()) == []
