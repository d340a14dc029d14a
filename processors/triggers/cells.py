"""Cells of the line of whole numbers that a rule is to compiled code."""

from typing import Final

RULE_KEY: Final = 0  # 32 bits of the hash of its name
RULE_TYPE: Final = 1  # of the occasion
RULE_SUBJECT: Final = 2
RULE_BEFORE: Final = 3  # bits
RULE_AFTER: Final = 4
RULE_INSTANT: Final = 5
RULE_OFFSET: Final = 6  # ms
RULE_INTERVALS: Final = 7  # thousandths
RULE_START: Final = 8  # of its program
RULE_LENGTH: Final = 9
RULE_ASKS: Final = 10  # what its condition asks, see conditions.Condition
RULE_CHANNEL: Final = 11
RULE_PRIORITY: Final = 12
RULE_COOLDOWN: Final = 13  # minutes
RULE_TRANSACTIONAL: Final = 14
RULE_HOLD: Final = 15  # ten thousandths
RULE_VALID: Final = 16  # ms
RULE_SEED: Final = 17  # XXH64 of name and version: who is held back
RULE_PLAIN: Final = 18  # bits of the plain fields that its condition asks

SHARES: Final = 10_000
"""What shares are told in, as whole numbers."""
