"""``make truth``: how good the forecasts are out of sample, and the verdicts on what rules bring.

Every figure stands beside its bar; the exit code is 1 if one is missed.

``PYTHONPATH=tests python -m benchmarks.truth FILE …`` shows the table of any other log; its arguments are those of
``relasi truth``.
"""

import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Final

from support.cdnow import CALIBRATION_END, FILES, columns_of

from benchmarks import lift
from benchmarks.report import Figure
from streams import cli
from streams.clock import now_ms
from streams.commands.purchase_log import EPOCH
from streams.commands.truth import HEADS, as_text
from streams.fitting.purchases import PurchaseDays, purchase_days
from streams.fitting.truth import RECALIBRATED, Truth, truth
from streams.imports.mapping import Mapping
from streams.imports.prepare import prepare

AT_LEAST: Final = {"r", "auc", "lift"}
# (row, figure): bar. The last lines are the stretch: corrected by windows that lie before the cut.
BARS: Final[dict[str, dict[tuple[str, str], float]]] = {
    "sample": {
        ("mbgnbd", "r"): 0.62,
        ("mbgnbd", "rmse"): 1.62,
        ("mbgnbd", "auc"): 0.755,
        ("mbgnbd", "brier"): 0.163,
        ("mbgnbd", "ece"): 0.06,
        ("mbgnbd", "lift"): 2.6,
        (RECALIBRATED, "brier"): 0.159,
        (RECALIBRATED, "ece"): 0.03,
    },
    "master": {("mbgnbd", "auc"): 0.745, ("mbgnbd", "brier"): 0.167},
}


def purchases(name: str, folder: Path) -> PurchaseDays:
    """Of "sample" or "master", read as any file is."""
    mapping = Mapping(
        columns={"customer_id": "customer", "occurred_at": "date", "amount": "dollars"},
        constants={"kind": "order_completed"},
        format="csv",
        delimiter="whitespace",
        header=False,
        names=columns_of(name),
        time_formats={"occurred_at": "%Y%m%d", "received_at": "%Y%m%d"},
    )
    with prepare(FILES[name], mapping, as_arrived=True, workdir=folder, now=now_ms()) as prepared:
        return purchase_days(prepared.batches(), {"order_completed"})


def table_of(name: str, folder: Path) -> Truth:
    """CDNOW's 39 weeks, and the 39 weeks after."""
    return truth(purchases(name, folder), "week", CALIBRATION_END.toordinal() - EPOCH)


def figures(name: str, table: Truth) -> list[Figure]:
    """The figures that have a bar."""
    found = []
    for (row, figure), bar in BARS[name].items():
        value = asdict(table.of(row))[figure]
        least, most = (bar, None) if figure in AT_LEAST else (None, bar)
        found.append(Figure(f"{row}: {HEADS[figure]}", value, "", at_least=least, at_most=most, digits=3))
    return found


def main() -> int:
    """Both files of CDNOW, or the log of the arguments."""
    if len(sys.argv) > 1:
        return cli.main(["truth", *sys.argv[1:]])
    missed = 0
    with tempfile.TemporaryDirectory(prefix="relasi-truth-") as folder:
        for name in BARS:
            table = table_of(name, Path(folder))
            print(f"CDNOW, {name}: {as_text(table)}", end="")
            for figure in figures(name, table):
                print(figure.line(), flush=True)
                missed += not figure.met
    print("What rules bring, where it is known")
    for figure in lift.figures():
        print(figure.line(), flush=True)
        missed += not figure.met
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
