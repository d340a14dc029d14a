"""Processes that end with the one that started them, however that ends: also when pytest is killed."""

import shutil
from collections.abc import Sequence


def bound(command: Sequence[str]) -> list[str]:
    """The command, killed by the kernel as soon as the thread that starts it has ended (prctl, PR_SET_PDEATHSIG).

    A thread, not only a process: so what has to outlive a thread is started from another one. Where util-linux does
    not offer it, as on macOS, the command is left as it is.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *command] if setpriv else list(command)
