"""The analyst of the compose file, on a real server: reads the views, and changes nothing."""

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from typing import Final

import pytest
from support import clickhouse_server
from support.clickhouse_server import ROOT, UnavailableError
from support.report_rows import table, transition

from streams.reports.clickhouse import ClickHouseSink
from streams.reports.ddl import statements
from streams.reports.errors import ReportsError

_CREATED: Final = "\n".join(statements())
TABLES: Final = re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+)", _CREATED, re.MULTILINE)
VIEWS: Final = re.findall(r"^CREATE OR REPLACE VIEW (\w+)", _CREATED, re.MULTILINE)
PASSWORD: Final = "only-for-this-test"
USERS: Final = """
<clickhouse>
    <profiles><default/></profiles>
    <quotas><default/></quotas>
    <users>
        <default>
            <password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
        </default>
    </users>
</clickhouse>
"""


def as_analyst(clickhouse: clickhouse_server.Server) -> ClickHouseSink:
    return ClickHouseSink(clickhouse.url("relasi").replace("default@", f"analyst:{PASSWORD}@"))


@pytest.fixture(scope="module")
def clickhouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[clickhouse_server.Server]:
    folder = tmp_path_factory.mktemp("analyst")
    (folder / "users.d").mkdir()
    shutil.copy(ROOT / "deploy" / "clickhouse" / "users.d" / "analyst.xml", folder / "users.d")
    (folder / "users.xml").write_text(USERS)
    (folder / "config.xml").write_text("<clickhouse><users_config>users.xml</users_config></clickhouse>")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANALYST_PASSWORD", PASSWORD)
        try:
            with clickhouse_server.running(folder / "data", configured=folder) as started:
                with closing(ClickHouseSink(started.url("relasi"))) as owner:
                    owner.create()
                    owner.insert("transitions_raw", table("transitions_raw", [transition()]))
                yield started
        except UnavailableError as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("view", sorted({*VIEWS} - {"profiles_at"}))
def test_may_read_every_view(clickhouse: clickhouse_server.Server, view: str) -> None:
    with closing(as_analyst(clickhouse)) as analyst:
        analyst.query(f"SELECT * FROM {view}")


def test_may_ask_for_any_instant(clickhouse: clickhouse_server.Server) -> None:
    with closing(as_analyst(clickhouse)) as analyst:
        assert analyst.query("SELECT * FROM profiles_at(at = '2026-03-01')").num_rows == 0


@pytest.mark.parametrize("name", sorted(TABLES))
def test_reads_no_table_behind_a_view(clickhouse: clickhouse_server.Server, name: str) -> None:
    with closing(as_analyst(clickhouse)) as analyst, pytest.raises(ReportsError, match="Not enough privileges"):
        analyst.query(f"SELECT * FROM {name}")


def test_sees_the_views_and_no_more(clickhouse: clickhouse_server.Server) -> None:
    with closing(as_analyst(clickhouse)) as analyst:
        told = analyst.query("SELECT name FROM system.tables WHERE database NOT IN ('system', 'information_schema')")
        assert set(told["name"].to_pylist()) - {*VIEWS} <= {"INFORMATION_SCHEMA"}
        assert set(told["name"].to_pylist()) >= {*VIEWS}


def test_reads_what_was_stored(clickhouse: clickhouse_server.Server) -> None:
    with closing(as_analyst(clickhouse)) as analyst:
        assert analyst.query("SELECT customer_id FROM transitions").to_pylist() == [{"customer_id": "ann"}]


def test_stores_nothing(clickhouse: clickhouse_server.Server) -> None:
    with closing(as_analyst(clickhouse)) as analyst, pytest.raises(ReportsError, match="Not enough privileges"):
        analyst.insert("transitions_raw", table("transitions_raw", [transition(id="1" * 32)]))


def test_creates_nothing(clickhouse: clickhouse_server.Server) -> None:
    with closing(as_analyst(clickhouse)) as analyst, pytest.raises(ReportsError, match="Not enough privileges"):
        analyst.create()


def test_sees_nothing_else(clickhouse: clickhouse_server.Server) -> None:
    with closing(as_analyst(clickhouse)) as analyst, pytest.raises(ReportsError, match="Not enough privileges"):
        analyst.query("SELECT * FROM system.users")
