"""The policies that come with Relasi."""

import re
from importlib.resources import files
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from processors.policy.policy import Policy

PRESETS: Final = ("commerce", "hotel", "telecom", "banking", "b2b")


def preset_text(name: str = "commerce") -> str:
    """The text of a policy that comes with Relasi, by its name. Raises ValueError for another name."""
    if name not in PRESETS:
        raise ValueError(f"no policy {name!r} comes with Relasi; choose one of {', '.join(PRESETS)}")
    return (files("processors.policy") / "presets" / f"{name}.toml").read_text(encoding="utf-8")


def preset(name: str = "commerce") -> "Policy":
    """The same policy, checked and compiled."""
    from processors.policy.policy import read_policy

    return read_policy(preset_text(name))


_MINIMUM: Final = re.compile(r"^(\s*minimum_amount\s*=\s*)[^\s#]+", re.MULTILINE)


def counting_without_amount(text: str) -> str:
    """A policy's text, with ``minimum_amount = 0``: a purchase without an amount is one too."""
    return _MINIMUM.sub(r"\g<1>0", text, count=1)


def chosen_currency(policy: "Policy") -> str | None:
    """The currency of a policy that somebody wrote; None where it is one of these as it comes: nobody chose that."""
    from processors.policy.policy import text_hash

    shipped = {text_hash(text) for name in PRESETS for text in (preset_text(name), _counting(name))}
    return None if policy.hash in shipped else policy.currency


def _counting(name: str) -> str:
    return counting_without_amount(preset_text(name))
