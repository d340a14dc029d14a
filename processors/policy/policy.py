"""Policies: TOML text in, compiled rules out, or every problem at once with its line."""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from processors import toml
from processors.hashing import xxh64
from processors.policy.contradictions import check_contradictions
from processors.policy.keys import Problem
from processors.policy.meanings import check_kind, minor, packed
from processors.policy.rules import BG, MBG, MEANING, REFUSED, UNMAPPED, Rules, Vocabulary, currency_code, rules_of
from processors.policy.settings import OPTIONAL, check_settings, setting, version_of
from processors.triggers.cells import SHARES
from processors.triggers.definitions import Rule, check_triggers, rules_in
from processors.triggers.packed import masks_of, packed_triggers
from processors.triggers.traits import check_properties, declared, packed_traits

MS_PER_UNIT = {"day": 86_400_000, "week": 604_800_000}
MODELS = {"mbgnbd": MBG, "bgnbd": BG}
# Currencies of ISO 4217 (list one) whose minor unit is not a hundredth.
_NO_DECIMALS = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"}
EXPONENTS = {
    **dict.fromkeys(_NO_DECIMALS | {"XAF", "XOF", "XPF"}, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
_DAY = MS_PER_UNIT["day"]
POLICY_BYTES = 512 << 10


class PolicyError(ValueError):
    """A policy that can't be used; ``problems`` lists everything that is wrong with it, in the order of its lines."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(f"{p.place}: {p.message}" for p in problems))
        self.problems = problems


@dataclass(frozen=True)
class Policy:
    """A checked policy: its text, the SHA-256 of it, and the numbers that compiled code reads."""

    name: str
    text: str
    hash: str
    currency: str
    rules: Rules
    vocabulary: Vocabulary
    kinds: Mapping[str, Mapping[str, Any]]
    """The document's table of kinds, as it is written; ``policy_meanings.complete`` adds the defaults."""
    triggers: tuple[Rule, ...] = ()
    """What fires, in the order of the text."""
    pressure: Mapping[str, Any] = field(default_factory=dict)
    """How much of it a customer can take, and when: the table of this name with its defaults."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """The customer's own that conditions can ask for, and the type of each."""

    @property
    def model(self) -> str:
        """``mbgnbd`` or ``bgnbd``."""
        return "bgnbd" if self.rules.model == BG else "mbgnbd"


def exponent(currency: str) -> int:
    """Decimal places of a currency's minor unit (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def text_hash(text: str) -> str:
    """SHA-256 of a policy's text, in hexadecimal: by which the log and facts name it."""
    return hashlib.sha256(text.encode()).hexdigest()


def find_problems(text: str) -> list[Problem]:
    """Everything that is wrong with a policy, in the order of its lines; empty where it can be used."""
    if (size := len(text.encode(errors="surrogatepass"))) > POLICY_BYTES:
        return [
            Problem(1, "", f"the policy has {size:,} bytes; at most {POLICY_BYTES:,} fit into a message of the log")
        ]
    try:
        document = toml.loads(text)
    except tomllib.TOMLDecodeError as error:
        return [Problem(_toml_line(text, str(error)), "", f"not valid TOML: {error}")]
    problems = check_settings(text, document) + check_contradictions(text, document)
    problems += check_properties(text, document, version_of(document))
    problems += check_triggers(text, document, version_of(document))
    for kind, meaning in document.get("kinds", {}).items() if isinstance(document.get("kinds"), dict) else ():
        problems += check_kind(text, kind, meaning, version_of(document))
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _toml_line(text: str, message: str) -> int:
    found = re.search(r"\(at line (\d+)", message)
    return int(found[1]) if found else max(1, len(text.splitlines()))


@lru_cache(maxsize=16)
def read_policy(text: str) -> Policy:
    """Check and compile a policy. Raises PolicyError with all problems.

    The same one for the same text: whoever opens a log reads its policy several times, 50 ms each (measured).
    """
    problems = find_problems(text)
    if problems:
        raise PolicyError(problems)
    document = toml.loads(text)
    digest = text_hash(text)
    triggers = rules_in(document)
    rules, words = _rules(document, digest, triggers), _vocabulary(document, triggers)
    name, currency, kinds = document["name"], document["currency"], document["kinds"]
    return Policy(name, text, digest, currency, rules, words, kinds, triggers, _pressure(document), declared(document))


def _pressure(document: dict[str, Any]) -> dict[str, Any]:
    return {key[1]: setting(document, *key) for key in OPTIONAL if key[0] == "pressure"}


def _rules(document: dict[str, Any], digest: str, triggers: tuple[Rule, ...]) -> Rules:
    refused = REFUSED if document["unmapped"]["action"] == "reject" else 0
    return rules_of(
        {
            "version": version_of(document),
            **_stages_and_churn(document),
            **_silence(document, exponent(document["currency"])),
            **_value(document, exponent(document["currency"])),
            **_dissolution(document),
            **_let_go(document),
            **_affection(document),
            **_reach(document),
            **packed_triggers(triggers),
            **packed_traits(
                document, tuple(setting(document, "pressure", f"{of}_property") for of in ("zone", "birthday"))
            ),
            **_identity(document),
            "unmapped": UNMAPPED | refused,
            "hash": np.uint64(int(digest[:16], 16)),
        }
    )


def _vocabulary(document: dict[str, Any], triggers: tuple[Rule, ...]) -> Vocabulary:
    decimals, version = exponent(document["currency"]), version_of(document)
    hashes, meanings = _kinds(document["kinds"], decimals, version, triggers)
    codes, rates, scales = _currencies(document["currency"], document.get("rates", {}))
    given = document.get("let_go", {})
    target = given.get("in_target") or given.get("out_of_target")
    return Vocabulary(
        kind_hashes=hashes,
        meanings=meanings,
        currency_codes=codes,
        currency_rates=rates,
        currency_scales=scales,
        failure_reasons=_hashes(setting(document, "dissolution", "failure_reasons")),
        finite_categories=_hashes(setting(document, "dissolution", "finite_categories")),
        one_off_categories=_hashes(setting(document, "involvement", "one_off_categories")),
        target_name=hash_of(target["property"]) if target else np.uint64(0),
        target_values=_hashes(target["values"] if target else []),
        target_inverse=int("in_target" in given),
    )


def _days(value: float) -> int:
    return round(value * _DAY)


def _stages_and_churn(document: dict[str, Any]) -> dict[str, Any]:
    churn, stages, decay = document["churn"], document["stages"], document["decay"]
    return {
        "model": MODELS[churn["model"]],
        **{name: float(churn.get(name, 0.0)) for name in ("r", "alpha", "a", "b", "threshold")},
        "unit_ms": MS_PER_UNIT[churn["unit"]],
        "horizon_ms": _days(churn["horizon_days"]),
        "hiatus_ms": _days(stages["hiatus_days"]),
        "commitment_weeks": stages["commitment_weeks"],
        "consistency_weeks": stages["consistency_weeks"],
        "minimum_minor": _least_minor(document["purchase"]["minimum_amount"], document["currency"]),
        "interaction_half_life": float(decay["interaction_half_life_days"]),
        "engagement_half_life": float(decay["engagement_half_life_days"]),
        "memory_half_life": float(setting(document, "decay", "memory_half_life_days")),
        "record_ms": round(setting(document, "commitment", "on_record_hours") * _DAY / 24),
        "contribution_scale": float(setting(document, "commitment", "contribution_scale")),
        "investment_scale": float(setting(document, "commitment", "investment_scale")),
    }


def _silence(document: dict[str, Any], decimals: int) -> dict[str, Any]:
    """What only texts of version 2 say; of version 1 nothing of it is read."""
    silence = document.get("silence", {})
    bands = [setting(document, "silence", band) for band in ("once", "new", "known")]
    return {
        "return_horizon_ms": _days(silence.get("horizon_days", 0)),
        "return_below": float(silence.get("return_below", 0)),
        "life_ms": _days(silence.get("life_days", 0)),
        "rhythm": float(setting(document, "silence", "rhythm")),
        "intervals": float(setting(document, "silence", "intervals")),
        "bound_grace_ms": _days(setting(document, "silence", "grace_days")),
        "calibration": np.array([number for band in bands for number in band], float),
        "prior_days": float(setting(document, "value", "prior_days")),
        "service_minor": setting(document, "value", "service_per_year") * 10.0**decimals,
        "referrals": float(setting(document, "value", "referrals_per_year")),
    }


def _value(document: dict[str, Any], decimals: int) -> dict[str, Any]:
    def value(name: str) -> Any:
        return setting(document, "value", name)

    return {
        **{name: float(value(name)) for name in ("margin_share", "annual_rate", "hysteresis")},
        "gg_p": float(value("p")),
        "gg_q": float(value("q")),
        "gg_gamma": value("gamma") * 10.0**decimals,
        "clv_horizon_ms": _days(value("horizon_days")),
        "referral_minor": minor(value("referral_value"), decimals),
        "tier_middle_minor": minor(value("middle"), decimals),
        "tier_high_minor": minor(value("high"), decimals),
        "satisfaction_low": float(setting(document, "satisfaction", "low")),
        "satisfaction_high": float(setting(document, "satisfaction", "high")),
        "risk_band": float(setting(document, "risk", "band")),
    }


def _dissolution(document: dict[str, Any]) -> dict[str, Any]:
    def value(name: str) -> Any:
        return setting(document, "dissolution", name)

    return {
        **{f"{name}_ms": _days(value(f"{name}_days")) for name in ("lookback", "grace", "patience", "both")},
        "default_interval_ms": _days(value("default_interval_days")),
        "contact_gap": float(value("contact_gap")),
    }


def _let_go(document: dict[str, Any]) -> dict[str, Any]:
    given = document.get("let_go", {})
    return {
        **{
            name: setting(document, "let_go", name)
            for name in ("deal_purchases", "norm_orders", "maintenance_contacts")
        },
        **{name: float(setting(document, "let_go", name)) for name in ("deal_share", "norm_share")},
        "has_target": int("in_target" in given or "out_of_target" in given),
    }


def _affection(document: dict[str, Any]) -> dict[str, Any]:
    """Bond, type, involvement, trust and category."""
    keys = {
        **{f"bond_{name}": ("bond", name) for name in ("weak", "strong", "side")},
        "communal_share": ("bond", "communal"),
        **{f"trust_{name}": ("trust", name) for name in ("prior", "positive", "negative")},
        "two_way_rate": ("category", "two_way_per_quarter"),
        "thin_margin": ("category", "thin_margin"),
    }
    return {
        **{field: float(setting(document, *key)) for field, key in keys.items()},
        "enduring_months": setting(document, "involvement", "enduring_months"),
    }


def _reach(document: dict[str, Any]) -> dict[str, Any]:
    def value(name: str) -> Any:
        return setting(document, "pressure", name)

    return {
        "fresh_ms": round(value("fresh_hours") * _DAY / 24),
        "pressure_most": value("most"),
        "pressure_minutes": round(value("days") * _DAY / 60_000),
        "hold_out": round(value("hold_out") * SHARES),
        "zone_name": hash_of(value("zone_property")),
        "birthday_name": hash_of(value("birthday_property")),
    }


def _identity(document: dict[str, Any]) -> dict[str, Any]:
    return {
        "known_to_known": int(setting(document, "identity", "known_to_known") == "allow"),
        "shared_to_nobody": int(setting(document, "identity", "shared") == "none"),
        "most_identities": setting(document, "identity", "most"),
        "forget_ms": round(setting(document, "identity", "forget_visitors_days") * _DAY),
    }


def _least_minor(amount: float, currency: str) -> int:
    """The least whole number of minor units that is no less than ``amount``, as it is written in decimals."""
    scaled = Decimal(str(amount)).scaleb(exponent(currency))
    return int(scaled.to_integral_value(ROUND_CEILING))


def hash_of(text: str) -> np.uint64:
    """XXH64 (seed 0) of a string's UTF-8: how compiled code knows kinds, customers and events."""
    data = np.frombuffer(text.encode(), np.uint8)
    return np.uint64(xxh64(data, 0, len(data), np.uint64(0)))


def _hashes(texts: list[str]) -> npt.NDArray[np.uint64]:
    return np.sort(np.array([hash_of(text) for text in set(texts)], np.uint64))


def _kinds(
    kinds: dict[str, dict[str, Any]], decimals: int, version: int, triggers: tuple[Rule, ...]
) -> tuple[npt.NDArray[np.uint64], Any]:
    masks = masks_of(triggers)
    capacity = 16
    while capacity < 2 * len(kinds):
        capacity *= 2
    hashes, meanings = np.zeros(capacity, np.uint64), np.zeros(capacity, MEANING).view(np.recarray)
    for kind, meaning in kinds.items():
        key = hash_of(kind)
        slot = int(key) % capacity
        while hashes[slot] != 0:
            slot = (slot + 1) % capacity
        hashes[slot], meanings[slot] = key, packed(meaning, decimals, version, masks.get(kind, (0, 0, 0)))
    return hashes, meanings


def _currencies(own: str, rates: dict[str, float]) -> tuple[Any, Any, Any]:
    """Codes; minor units of the own currency for one minor unit of each; and for one whole unit of each."""
    names = [own, *(name for name in rates if name != own)]
    codes = [currency_code(np.frombuffer(name.encode(), np.uint8), 0, 3) for name in names]
    whole = [10.0 ** exponent(own) * (1.0 if name == own else rates[name]) for name in names]
    minor = [1.0 if name == own else rates[name] * 10.0 ** (exponent(own) - exponent(name)) for name in names]
    return np.array(codes, np.int64), np.array(minor), np.array(whole)
