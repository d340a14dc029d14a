"""Policies: TOML text in, compiled rules out, or every problem at once with its line."""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any

import numpy as np

from processors.hashing import xxh64
from processors.policy_keys import Problem, check_keys, check_kind, line_of
from processors.rules import (
    BG,
    CONTRIBUTION,
    CUSTOMER,
    CUSTOMER_EXIT,
    FIRM,
    FIRM_EXIT,
    INVESTMENT,
    MBG,
    PURCHASE,
    REFUSED,
    UNMAPPED,
    Rules,
    currency_code,
)

MS_PER_UNIT = {"day": 86_400_000, "week": 604_800_000}
MODELS = {"mbgnbd": MBG, "bgnbd": BG}
# Currencies of ISO 4217 (list one) whose minor unit is not a hundredth.
_NO_DECIMALS = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"}
EXPONENTS = {
    **dict.fromkeys(_NO_DECIMALS | {"XAF", "XOF", "XPF"}, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_INITIATIVES = {"customer": CUSTOMER, "firm": FIRM, "both": CUSTOMER | FIRM, "none": 0}
_EXITS = {"customer": CUSTOMER_EXIT, "firm": FIRM_EXIT}


class PolicyError(ValueError):
    """A policy that can't be used; ``problems`` lists everything that is wrong with it, in the order of its lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"line {p.line}: {p.message}" for p in problems))
        self.problems = problems


@dataclass(frozen=True)
class Policy:
    """A checked policy: its text, the SHA-256 of it, and the numbers that compiled code reads."""

    name: str
    text: str
    hash: str
    currency: str
    rules: Rules

    @property
    def model(self) -> str:
        """``mbgnbd`` or ``bgnbd``."""
        return "bgnbd" if self.rules.model == BG else "mbgnbd"


def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def text_hash(text: str) -> str:
    """SHA-256 of a policy's text, in hexadecimal: its identity in the log and in facts."""
    return hashlib.sha256(text.encode()).hexdigest()


def find_problems(text: str) -> list[Problem]:
    """Everything that is wrong with a policy, in the order of its lines; empty where it can be used."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [Problem(_toml_line(text, str(error)), "", f"not valid TOML: {error}")]
    problems = check_keys(text, document)
    for kind, meaning in document.get("kinds", {}).items() if isinstance(document.get("kinds"), dict) else ():
        problems += check_kind(text, kind, meaning)
    if not problems:
        problems += _immediate_silence(text, document["churn"])
    return sorted(problems, key=lambda problem: problem.line)


def _toml_line(text: str, message: str) -> int:
    found = re.search(r"\(at line (\d+)", message)
    return int(found[1]) if found else max(1, len(text.splitlines()))


def _immediate_silence(text: str, churn: dict[str, Any]) -> list[Problem]:
    """The trap: right after a purchase P(alive) is only (b + x) / (a + b + x), least at the first that counts."""
    highest = churn["b"] / (churn["a"] + churn["b"])
    if churn["threshold"] < highest:
        return []
    return [
        Problem(
            line_of(text, ("churn", "threshold")),
            "churn.threshold",
            f"churn.threshold = {churn['threshold']} would end a relationship at the moment of its purchase: right "
            f"after one, P(alive) is only b / (a + b) = {highest:.4f} with these parameters; choose a lower threshold",
        )
    ]


def read_policy(text: str) -> Policy:
    """Check and compile a policy. Raises PolicyError with all problems."""
    problems = find_problems(text)
    if problems:
        raise PolicyError(problems)
    document = tomllib.loads(text)
    digest = text_hash(text)
    return Policy(document["name"], text, digest, document["currency"], _compile(document, digest))


def _compile(document: dict[str, Any], digest: str) -> Rules:
    churn, stages, decay = document["churn"], document["stages"], document["decay"]
    hashes, flags, weights = _kinds(document["kinds"])
    codes, rates = _currencies(document["currency"], document.get("rates", {}))
    day = MS_PER_UNIT["day"]
    refused = REFUSED if document["unmapped"]["action"] == "reject" else 0
    return Rules(
        model=MODELS[churn["model"]],
        r=float(churn["r"]),
        alpha=float(churn["alpha"]),
        a=float(churn["a"]),
        b=float(churn["b"]),
        unit_ms=MS_PER_UNIT[churn["unit"]],
        threshold=float(churn["threshold"]),
        horizon_ms=round(churn["horizon_days"] * day),
        hiatus_ms=round(stages["hiatus_days"] * day),
        commitment_weeks=stages["commitment_weeks"],
        consistency_weeks=stages["consistency_weeks"],
        minimum_minor=_least_minor(document["purchase"]["minimum_amount"], document["currency"]),
        interaction_half_life=float(decay["interaction_half_life_days"]),
        engagement_half_life=float(decay["engagement_half_life_days"]),
        unmapped=UNMAPPED | refused,
        hash=np.uint64(int(digest[:16], 16)),
        kind_hashes=hashes,
        kind_flags=flags,
        kind_weights=weights,
        currency_codes=codes,
        currency_rates=rates,
    )


def _least_minor(amount: float, currency: str) -> int:
    """The least whole number of minor units that is no less than ``amount``, as it is written in decimals."""
    scaled = Decimal(str(amount)).scaleb(exponent(currency))
    return int(scaled.to_integral_value(ROUND_CEILING))


def hash_of(text: str) -> np.uint64:
    """XXH64 (seed 0) of a string's UTF-8: how compiled code knows kinds, customers and events."""
    data = np.frombuffer(text.encode(), np.uint8)
    return np.uint64(xxh64(data, 0, len(data), np.uint64(0)))


def _flags(meaning: dict[str, Any]) -> int:
    flags = _INITIATIVES[meaning.get("initiative", "none")]
    if "exit" in meaning:
        # An exit is a sign of life, but it begins nothing: it never counts as initiative.
        flags = flags & ~CUSTOMER | _EXITS[meaning["exit"]]
    for key, flag in (("purchase", PURCHASE), ("investment", INVESTMENT), ("contribution", CONTRIBUTION)):
        flags |= flag if meaning.get(key, False) else 0
    return flags


def _kinds(kinds: dict[str, dict[str, Any]]) -> tuple[Any, Any, Any]:
    capacity = 16
    while capacity < 2 * len(kinds):
        capacity *= 2
    hashes, flags = np.zeros(capacity, np.uint64), np.zeros(capacity, np.int32)
    weights = np.zeros(capacity)
    for kind, meaning in kinds.items():
        key = hash_of(kind)
        slot = int(key) % capacity
        while hashes[slot] != 0:
            slot = (slot + 1) % capacity
        hashes[slot], flags[slot], weights[slot] = key, _flags(meaning), meaning.get("engagement", 0.0)
    return hashes, flags, weights


def _currencies(own: str, rates: dict[str, float]) -> tuple[Any, Any]:
    names = [own, *(name for name in rates if name != own)]
    codes = [currency_code(np.frombuffer(name.encode(), np.uint8), 0, 3) for name in names]
    minor = [10.0 ** (exponent(own) - exponent(name)) for name in names]
    factors = [1.0 if name == own else rates[name] * scale for name, scale in zip(names, minor, strict=True)]
    return np.array(codes, np.int64), np.array(factors)
