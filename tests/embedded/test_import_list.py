"""What was imported is listed, and the same content under another mapping is refused before anything is written."""

from pathlib import Path

import pytest
from support.command import done, relasi, rows

ORDERS = "client,date,total,order\nann,2026-01-01,100.00,O1\nbob,2026-01-02,50.00,O2\nbob,soon,1,O3\n"
MAPPED = (
    "--map", "customer_id=client", "--map", "occurred_at=date", "--map", "amount=total", "--set",
    "kind=order_completed", "--set", "currency=USD",
)  # fmt: skip
SPENT = "SELECT sum(spend_minor) AS spent, sum(purchases) AS n FROM profiles"


def written(data: Path, name: str, text: str) -> Path:
    file = data.with_name(name)
    file.write_text(text, "utf-8")
    return file


@pytest.mark.slow
def test_imports_are_listed_with_what_came_of_them(data: Path) -> None:
    file = written(data, "o1.csv", ORDERS)
    done("import", file, *MAPPED, "--data", data)
    found = rows(data, "SELECT * EXCEPT (at, mapping, sha256) FROM imports")
    assert found == [
        {
            "id": rows(data, "SELECT DISTINCT import_id FROM touchpoints")[0]["import_id"], "file": str(file),
            "rows": 2, "known": 0, "rejects": 1, "customers": 2, "purchases": 2, "currencies": ["USD"],
            "money_in_minor": [15000],
            "money_back_minor": [0], "first_at": "2026-01-01T00:00:00.000Z", "last_at": "2026-01-02T00:00:00.000Z",
        }
    ]  # fmt: skip
    listed = done("imports", "--data", data)
    assert found[0]["id"] in listed
    assert "15000 USD" in listed
    assert '"customer_id": "client"' in listed


@pytest.mark.slow
def test_the_same_content_under_another_mapping_is_refused(data: Path) -> None:
    file = written(data, "o1.csv", ORDERS)
    done("import", file, *MAPPED, "--data", data)
    ran = relasi("import", file, *MAPPED, "--map", "order_id=order", "--data", data)
    assert ran.code == 3
    assert "the same content was imported before, read in another way; nothing was imported" in ran.err
    assert ran.err.count('"customer_id": "client"') == 2
    assert '"order_id": "order"' in ran.err
    assert rows(data, SPENT) == [{"spent": 15000, "n": 2}]
    assert len(rows(data, "SELECT id FROM imports")) == 1
    assert "imported before (2 touchpoints)" in done("import", file, *MAPPED, "--data", data)
    done("import", file, *MAPPED, "--map", "order_id=order", "--again", "--data", data)
    assert rows(data, SPENT) == [{"spent": 30000, "n": 4}]


def test_month_and_day_are_never_both(data: Path) -> None:
    file = written(
        data, "dm.csv", "customer_id,occurred_at,kind,amount,currency\na,05/02/2026,order_completed,10,USD\n"
    )
    done("import", file, "--time-format", "%m/%d/%Y", "--data", data)
    assert relasi("import", file, "--time-format", "%d/%m/%Y", "--data", data).code == 3
    assert rows(data, "SELECT toString(occurred_at) AS at FROM touchpoints") == [{"at": "2026-05-02 00:00:00.000"}]


def test_nothing_was_imported_yet(data: Path) -> None:
    ran = relasi("imports", "--data", data)
    assert ran.code == 1
    assert "holds nothing yet" in ran.err
