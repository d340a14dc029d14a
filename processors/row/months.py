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
def civil_from_days(days: int) -> tuple[int, int, int]:
    """(year, month, day) of a day since 1970-01-01. Source: as ``days_from_civil``, civil_from_days."""
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march = (5 * of_year + 2) // 153
    month = march + 3 if march < 10 else march - 9
    return year_of_era + era * 400 + int(month <= 2), month, of_year - (153 * march + 2) // 5 + 1


@compiled_leaf
def day_in(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 of a date, of the last day of a month that is too short."""
    return days_from_civil(year, month, min(day, month_length(year, month)))


@compiled_leaf
def after_months(at: int, months: int) -> int:
    """``at`` (ms) so many calendar months (UTC) later, on the last day of a month that is too short."""
    year, month, day = civil_from_days(at // MS_PER_DAY)
    total = year * 12 + month - 1 + months
    return day_in(total // 12, total % 12 + 1, day) * MS_PER_DAY + at % MS_PER_DAY
