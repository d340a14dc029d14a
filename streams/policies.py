"""The policies that come with Relasi."""

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
