"""Where CDNOW's files are, and what their columns are called."""

from datetime import date
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parents[1] / "data" / "cdnow"
FILES: Final = {"sample": FOLDER / "CDNOW_sample.txt", "master": FOLDER / "CDNOW_master.txt.gz"}
CALIBRATION_END: Final = date(1997, 9, 30)


def columns_of(name: str) -> tuple[str, ...]:
    """Of "sample" or "master"."""
    return (
        ("master_id", "customer", "date", "cds", "dollars")
        if name == "sample"
        else ("customer", "date", "cds", "dollars")
    )
