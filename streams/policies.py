"""The policies that come with Relasi."""

from importlib.resources import files

from processors.policy import Policy, read_policy


def preset(name: str = "commerce") -> Policy:
    """A policy that comes with Relasi."""
    return read_policy((files("processors") / "policies" / f"{name}.toml").read_text())
