"""The versions that this shell was built and measured on. It reaches into all three.

Apart from everything that imports them: another version may already fail to be imported.
"""

from importlib.metadata import version
from typing import Final

VERSIONS: Final = {"aiokafka": "0.14.0", "faust-streaming": "0.15.3", "mode-streaming": "0.7.1"}


class WrongVersion(RuntimeError):
    """A library of another version than the one whose internals this shell relies on."""


def check_versions() -> None:
    """Raises WrongVersion."""
    found = {name: version(name) for name in VERSIONS}
    wrong = [f"{name} {found[name]} instead of {wanted}" for name, wanted in VERSIONS.items() if found[name] != wanted]
    if wrong:
        raise WrongVersion(
            f"the Kafka shell reaches into its libraries and can't run on {', '.join(wrong)}; install the locked "
            "dependencies (make setup)"
        )
