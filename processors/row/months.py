"""Months of the Gregorian calendar (UTC), compiled."""

from typing import Final

from processors.compiled import compiled_leaf

MS_PER_DAY: Final = 86_400_000


@compiled_leaf
def days_from_civil(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil."""
    shifted = year - int(month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@compiled_leaf
def month_length(year: int, month: int) -> int:
    """Days of a month."""
    following = days_from_civil(year + month // 12, month % 12 + 1, 1)
    return following - days_from_civil(year, month, 1)


@compiled_leaf
def after_months(at: int, months: int) -> int:
    """``at`` (ms) so many calendar months (UTC) later, on the last day of a month that is too short."""
    days = at // MS_PER_DAY
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march = (5 * of_year + 2) // 153
    day = of_year - (153 * march + 2) // 5 + 1
    month = march + 3 if march < 10 else march - 9
    year = year_of_era + era * 400 + int(month <= 2)
    total = year * 12 + month - 1 + months
    year, month = total // 12, total % 12 + 1
    moved = days_from_civil(year, month, min(day, month_length(year, month)))
    return moved * MS_PER_DAY + at % MS_PER_DAY
