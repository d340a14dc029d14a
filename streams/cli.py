"""The command ``relasi``. Only this entry point chooses a shell; what a command needs is imported when it runs."""

import gc
import os
import sys
from collections.abc import Sequence
from typing import Final

from streams.commands.parsing import WITHOUT_DATA, arguments, module_of
from streams.commands.terminal import Terminal

# Allocations after which garbage is looked for: what a command loads stays, and looking through it again and again took
# .2 s of its start (measured).
_SELDOM: Final = (50_000, 20, 20)


def _here() -> Terminal:
    return Terminal(sys.stdout.write, sys.stderr.write, sys.stderr.isatty())


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 0 done, 1 not done, 2 the command or a setting is wrong,
    3 nothing of a file could be used."""
    gc.set_threshold(*_SELDOM)
    words = list(sys.argv[1:] if argv is None else argv)
    args = arguments(words)
    module = module_of(args.command)
    try:
        if args.command in WITHOUT_DATA:
            code: int = module.run(args)
            return code
        from streams.commands.held import run_with_data

        code = run_with_data(module, args, words, _here())
        # Otherwise a reader that has gone away shows when the interpreter closes, as a traceback.
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader of our output has seen enough, as `head` does; the interpreter would complain while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("stopped; what was acknowledged is kept, and the next start goes on from there\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
