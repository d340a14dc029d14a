"""A policy as compiled code sees it: numbers and small open-addressed tables."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from processors.compiled import compiled_leaf

MBG: Final = 0
BG: Final = 1

# What a kind of touchpoint means, as bits.
CUSTOMER: Final = 1  # the customer's own initiative
FIRM: Final = 2  # the firm's initiative
PURCHASE: Final = 4
INVESTMENT: Final = 8
CONTRIBUTION: Final = 16
CUSTOMER_EXIT: Final = 32
FIRM_EXIT: Final = 64
REFUSED: Final = 128  # the policy rejects this kind
UNMAPPED: Final = 256  # the policy does not name this kind


class Rules(NamedTuple):
    """All numbers of one policy. Durations in days or ms as named, money in minor units of the policy's currency."""

    model: int
    r: float
    alpha: float
    a: float
    b: float
    unit_ms: int
    threshold: float
    horizon_ms: int
    hiatus_ms: int
    commitment_weeks: int
    consistency_weeks: int
    minimum_minor: int
    interaction_half_life: float
    engagement_half_life: float
    unmapped: int
    hash: np.uint64
    kind_hashes: npt.NDArray[np.uint64]  # shape (capacity,), 0: free; the capacity is a power of two
    kind_flags: npt.NDArray[np.int32]
    kind_weights: npt.NDArray[np.float64]
    currency_codes: npt.NDArray[np.int64]  # three ASCII bytes in one integer; the policy's own comes first
    currency_rates: npt.NDArray[np.float64]  # minor units of the policy's currency for one minor unit


@compiled_leaf
def find_kind(rules: Rules, kind: np.uint64) -> int:
    """Slot of a kind (XXH64 of its name) in the policy's table; -1: the policy does not name it."""
    mask = len(rules.kind_hashes) - 1
    slot = np.int64(kind & np.uint64(mask))
    while rules.kind_hashes[slot] != np.uint64(0):
        if rules.kind_hashes[slot] == kind:
            return int(slot)
        slot = (slot + 1) & mask
    return -1


@compiled_leaf
def currency_code(buffer: npt.NDArray[np.uint8], start: int, length: int) -> int:
    """An ISO 4217 code as one integer, whatever its case; -1 where it is not three letters."""
    if length != 3:
        return -1
    code = 0
    for i in range(3):
        letter = int(buffer[start + i]) & 0xDF
        if letter < 65 or letter > 90:
            return -1
        code = code << 8 | letter
    return code


@compiled_leaf
def converted(rules: Rules, code: int, amount_minor: int) -> tuple[bool, int]:
    """An amount in the policy's currency, rounded half to even; False where the policy has no rate for it."""
    if code == rules.currency_codes[0]:
        return True, amount_minor
    for i in range(1, len(rules.currency_codes)):
        if rules.currency_codes[i] == code:
            # Beyond int64 the cast has no meaning; so far out the amount is refused anyway.
            own = min(max(amount_minor * rules.currency_rates[i], -4.0e18), 4.0e18)
            return True, int(np.rint(own))
    return False, 0
