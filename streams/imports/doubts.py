"""What a file's columns leave open, as one message: what was found, where, and which argument says what it is."""

from collections.abc import Mapping

from streams.imports.evidence import EITHER, FIRST, SECOND, YEARS, Evidence, Years


def doubts_about(evidence: Mapping[str, Evidence | Years]) -> list[str]:
    """A text for each column whose values can be read in two ways and that does not say in which it is written."""
    doubtful = {field: found for field, found in evidence.items() if found.verdict() == EITHER}
    asked = [
        _about_years(field.removesuffix(YEARS), found) if isinstance(found, Years) else _doubt(field, found)
        for field, found in doubtful.items()
        if field + YEARS not in doubtful
    ]
    # A column that a mapping calls by several names is asked about once.
    return list({text.lower(): text for text in reversed(asked)}.values())[::-1]


def _about_years(field: str, found: Years) -> str:
    row, text = found.example
    return (
        f"{field} {text!r} in line {row} has a year of two digits, and the column does not say where it stands: "
        '--time-format "%d/%m/%y", "%m/%d/%y" or "%y/%m/%d", with the signs and the time of day as they are in the file'
    )


def _doubt(field: str, found: Evidence) -> str:
    return _about_dates(field, found) if found.dates else _about_amounts(field, found)


def _about_amounts(field: str, found: Evidence) -> str:
    if found.mixed:
        return (
            f"{field} is written in two ways: with a decimal point ({found.shown(FIRST)}; {found.counts[FIRST]:,} "
            f"rows) and with a decimal comma ({found.shown(SECOND)}; {found.counts[SECOND]:,} rows). Say which is "
            "right with --decimal . or --decimal , and rows written in the other way become rejects"
        )
    _, text = found.examples[EITHER]
    mark = "." if "." in text else ","
    other = "," if mark == "." else "."
    return (
        f"{field} {found.shown(EITHER)} can be read in two ways, and no other row of the column says which "
        f"({found.counts[EITHER]:,} such rows): --decimal {mark} if the {_named(mark)} begins the decimals, "
        f"--decimal {other} if it separates thousands"
    )


def _named(mark: str) -> str:
    return "point" if mark == "." else "comma"


def _about_dates(field: str, found: Evidence) -> str:
    if found.mixed:
        return (
            f"{field} is written in two ways: with the day first ({found.shown(FIRST)}; {found.counts[FIRST]:,} rows) "
            f"and with the month first ({found.shown(SECOND)}; {found.counts[SECOND]:,} rows). Say which is right with "
            '--time-format, such as "%d/%m/%Y" or "%m/%d/%Y", and rows written in the other way become rejects'
        )
    return (
        f"{field} {found.shown(EITHER)} may begin with the day or with the month, and no other row of the column says "
        f'which ({found.counts[EITHER]:,} such rows): --time-format "%d/%m/%Y" or --time-format "%m/%d/%Y", with the '
        "signs and the time of day as they are in the file"
    )
