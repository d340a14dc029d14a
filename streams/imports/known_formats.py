"""The ready mappings: one TOML file for each format that many export, by its name."""

from difflib import get_close_matches
from importlib.resources import files
from typing import Final

from streams.imports.mapped import Mapping
from streams.imports.mapping_file import mapping_of
from streams.imports.problems import MappingProblem

_PACKAGE: Final = "streams.imports.ready"
_SUFFIX: Final = ".toml"
_ALIASES: Final = {"ga": "ga4", "google-analytics": "ga4", "adobe-commerce": "magento", "online-retail": "retail",
                   "camt": "bank", "bookings": "hotel", "woo": "woocommerce", "snapshot": "telco"}  # fmt: skip


def ready_names() -> list[str]:
    """The names of all ready mappings."""
    return sorted(file.name.removesuffix(_SUFFIX) for file in files(_PACKAGE).iterdir() if file.name.endswith(_SUFFIX))


def ready_mapping(name: str) -> Mapping:
    """The ready mapping of a name. Raises ``MappingProblem`` where there is none."""
    known = ready_names()
    found = _ALIASES.get(name.lower(), name.lower())
    if found not in known:
        near = get_close_matches(found, known, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        raise MappingProblem([f"--as {name}: no ready mapping is called so{meant} Known are {', '.join(known)}"])
    return mapping_of((files(_PACKAGE) / f"{found}{_SUFFIX}").read_text(encoding="utf-8"), f"--as {found}")


def ready_list() -> list[str]:
    """A line for each ready mapping: its name, and what it expects."""
    names = ready_names()
    width = max(map(len, names))
    return [f"{name:<{width}}  {ready_mapping(name).about or ''}" for name in names]
