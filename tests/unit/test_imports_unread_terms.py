"""What an import says of contracts whose term nobody can read."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from support.presets import policy_of

from processors.row.layout import NONE
from schemas.touchpoint import OCCURRED_AT, PROPERTIES
from streams.engine.reading import _stated_until
from streams.imports.mapping import Mapping
from streams.imports.mapping_file import read_mapping
from streams.imports.prepare import prepare
from streams.imports.survey import Survey
from streams.imports.unread_terms import unread_terms
from streams.imports.verdict import warnings

NOW = 1_800_000_000_000
AT = 1_736_035_200_000  # 2025-01-05
SLOTS = 64
HEAD = "customer_id,occurred_at,kind,properties.period,properties.ends_at\n"


def surveyed(rows: str, folder: Path) -> Survey:
    survey = Survey(policy_of("telecom", version=2))
    text = io.BytesIO((HEAD + rows).encode())
    with prepare(text, Mapping(), as_arrived=False, workdir=folder, now=NOW) as prepared:
        for batch in prepared.batches():
            survey.add(batch)
    return survey


def test_a_period_without_a_unit_is_told_with_what_settles_it(tmp_path: Path) -> None:
    rows = "".join(
        f"{who},2025-01-05,contract_signed,{term},\n" for who, term in zip("abc", (12, 12, "24 months"), strict=True)
    )
    survey = surveyed(rows, tmp_path)
    assert survey.unread == {"period": {"12": 2}}
    (told,) = (line for line in warnings(survey) if line.startswith("period"))
    assert "2 rows" in told
    assert "'12' (2)" in told
    assert "--map 'properties.period==COLUMN + \"months\"'" in told


def test_what_the_remedy_says_is_read(tmp_path: Path) -> None:
    survey = Survey(policy_of("telecom", version=2))
    text = io.BytesIO(b"customer_id,occurred_at,kind,term\na,2025-01-05,contract_signed,12\n")
    written = tmp_path / "m.toml"
    written.write_text('[columns]\n"properties.period" = \'=term + "months"\'\n')
    mapping = read_mapping(written)
    with prepare(text, mapping, as_arrived=False, workdir=tmp_path, now=NOW) as prepared:
        (batch,) = prepared.batches()
        survey.add(batch)
    assert batch.column("properties")[0].as_py() == b"\x02\x0cperiod\x12" + b"12 months" + b"\x00"
    assert survey.unread == {}


def test_an_end_that_is_none_or_lies_before_the_row_is_told_unless_a_period_says_it(tmp_path: Path) -> None:
    rows = (
        "a,2025-01-05,contract_signed,,12/31/2025\n"
        "b,2025-01-05,contract_signed,,2024-12-31\n"
        "c,2025-01-05,contract_signed,1 year,2024-12-31\n"
        "d,2025-01-05,contract_signed,,9999-12-31\n"
        "e,2025-01-05,contract_signed,long,2025-12-31\n"
    )
    assert surveyed(rows, tmp_path).unread == {"ends_at": {"12/31/2025": 1, "2024-12-31": 1}}


def test_periods_of_kinds_that_bind_nobody_mean_nothing_and_are_not_told(tmp_path: Path) -> None:
    rows = "a,2025-01-05,page_viewed,whenever,\nb,2025-01-05,bill_paid,January,\nc,2025-01-05,contract_signed,,\n"
    assert surveyed(rows, tmp_path).unread == {}


TEXTS = st.sampled_from(
    ["", "12", "12 months", "P1Y", "a year", "soon", "0 days", "2024-12-31", "2025-12-31", "12/31/2025", "9999-12-31"]
)


@given(period=TEXTS, ends_at=TEXTS)
def test_what_is_told_is_what_the_engine_reads_as_nothing(period: str, ends_at: str) -> None:
    said = {"period": period, "ends_at": ends_at}
    entries = b"".join(bytes([2 * len(k)]) + k.encode() + bytes([2 * len(v)]) + v.encode() for k, v in said.items())
    body = b"\x04" + entries + b"\x00"
    slots = np.zeros((SLOTS, 2), np.int64)
    slots[OCCURRED_AT, 0], slots[PROPERTIES] = AT, (0, len(body))
    until = _stated_until(np.frombuffer(body, np.uint8), slots, 0)
    batch = pa.table({"properties": pa.array([body], pa.binary()), "occurred_at": [AT]}).to_batches()[0]
    assert bool(list(unread_terms(batch))) == (until == NONE and bool(period or ends_at))
