"""Commands on a data directory: run here, or by the process that holds the directory."""

import argparse
import codecs
import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from streams.commands.progress import Report, progress
from streams.commands.terminal import Terminal
from streams.embedded.belonging import refuse_lost
from streams.embedded.client import ask
from streams.embedded.lock import DirectoryInUse, EditionUnderWay
from streams.embedded.log import FILE_NAME
from streams.embedded.looking import Look, opened_to_ask

if TYPE_CHECKING:
    from processors.policy.policy import Policy
    from streams.embedded.session import Session

FAILED: Final = 1
WRONG: Final = 2
NOTHING_USABLE: Final = 3
# Commands that have nothing to say of a directory that isn't there, and don't make one.
ASKING: Final = frozenset({"advance", "customer", "imports", "query"})
# Of these, those for which nobody is restored.
LOOKING: Final = frozenset({"customer", "imports", "query"})


class SettingsProblem(Exception):
    """A command's settings can't be used; the message lists every problem."""


def policy_from(path: Path | None) -> "Policy | None":
    """The policy of a file; None without one. Raises SettingsProblem with every problem and its line."""
    if path is None:
        return None
    from processors.policy.policy import PolicyError, read_policy
    from streams.texts import read_text

    try:
        return read_policy(read_text(path))
    except OSError as error:
        raise SettingsProblem(f"{path}: the policy can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise SettingsProblem(f"{path}: the policy isn't UTF-8 text ({error})") from error
    except PolicyError as error:
        raise SettingsProblem("\n".join(f"{path}:{p.at}: {p.message}" for p in error.problems)) from error


def policy_to_apply(args: argparse.Namespace) -> "Policy | None":
    """The policy that a command puts in force before anything else; a dry run puts none. Raises SettingsProblem."""
    if getattr(args, "dry_run", False):
        return None
    return policy_from(getattr(args, "policy", None)) or _policy_of_format(args)


def _policy_of_format(args: argparse.Namespace) -> "Policy | None":
    """The policy of Relasi's that a new data directory begins with, where a mapping says one, ready or of a file."""
    name, file = getattr(args, "as_name", None), getattr(args, "mapping", None)
    if not (name or file) or (args.data / FILE_NAME).exists():
        return None
    from streams.imports.known_formats import ready_mapping
    from streams.imports.mapping import read_mapping
    from streams.policies import preset

    mapping = ready_mapping(name) if name else read_mapping(Path(str(file)))
    return None if mapping.policy is None else preset(mapping.policy)


def run_with_data(module: Any, args: argparse.Namespace, words: list[str], terminal: Terminal) -> int:
    """Run a command on its data directory. Problems become messages and exit codes.

    Where a module has something to do ``afterwards``, once nobody does anything for it in the directory, it is told how
    the command ended.
    """

    def whole() -> int:
        code = _run(module, args, words, terminal)
        return int(getattr(module, "afterwards", lambda *_: code)(args, terminal, code))

    return explained(terminal, whole)


def _run(module: Any, args: argparse.Namespace, words: list[str], terminal: Terminal) -> int:
    if not getattr(module, "needs_session", lambda _: True)(args):
        return int(module.run(args, None, terminal))
    if args.command in ASKING and not (args.data / FILE_NAME).exists():
        refuse_lost(args.data)
        terminal.note(f"relasi: {args.data} holds nothing yet; begin with `relasi import FILE`, or see --data")
        return FAILED
    if not getattr(module, "before_session", lambda *_: True)(args, terminal):
        return FAILED
    try:
        with _uncollected(args.command in LOOKING), _opened(args, f"relasi {words[0]}", terminal) as session:
            return int(module.run(args, session, terminal))
    except DirectoryInUse as error:
        holder = error.holder
        if holder is None or holder.socket is None or args.command in {"demo", "run"}:
            raise
        return _ask(holder.socket, args, words, terminal)


@contextmanager
def _uncollected(short: bool) -> Iterator[None]:
    """A question is answered and the process ends: looking for garbage would take a tenth of its time (measured)."""
    if short:
        gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _opened(args: argparse.Namespace, command: str, terminal: Terminal) -> "Iterator[Look | Session]":
    with ExitStack() as stack:
        with progress(terminal, str(args.data)) as report:
            opened: Look | Session
            if args.command in LOOKING:
                opened = stack.enter_context(opened_to_ask(args.data, command, report))
            else:
                opened = stack.enter_context(session_of(args, command, report))
        yield opened


def session_of(args: argparse.Namespace, command: str, report: Report) -> "Session":
    from streams.embedded.session import Session

    return Session(
        args.data,
        command,
        policy=policy_to_apply(args),
        accept_rejects=getattr(args, "accept_rejects", False),
        registry_url=getattr(args, "schema_registry", None),
        progress=report,
    )


def _ask(socket: str, args: argparse.Namespace, words: list[str], terminal: Terminal) -> int:
    from streams.embedded.session import SPOOLED

    with ExitStack() as spooled:
        if "-" in getattr(args, "files", ()):
            copy = spooled.enter_context(tempfile.NamedTemporaryFile(prefix=SPOOLED, dir=args.data.absolute()))
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            words = [words[0], "--standard-input", copy.name, *words[1:]]
        return ask(socket, words, Path.cwd(), _decoded(terminal.write_out), _decoded(terminal.write_err))


def _decoded(write: Callable[[str], object]) -> Callable[[bytes], object]:
    """A writer of bytes; a letter may come in two pieces."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return lambda data: write(decoder.decode(data))


def explained(terminal: Terminal, action: Callable[[], int], *, fatal: tuple[type[Exception], ...] = ()) -> int:
    """The exit code of ``action``, or of what went wrong in it, with a message on the terminal.

    Bugs pass, and so, once they are told, do the exceptions of ``fatal``.
    """
    try:
        return action()
    except BrokenPipeError:
        raise
    except fatal as error:
        terminal.note(f"relasi: {error}")
        raise
    except SettingsProblem as error:
        terminal.note(str(error))
        return WRONG
    except OSError as error:
        terminal.note(f"relasi: {error.filename or 'a file'}: {os.strerror(error.errno) if error.errno else error}")
        return FAILED
    except Exception as error:
        code = _code_of(error)
        if code is None:
            raise
        terminal.note(str(error) if code == WRONG else f"relasi: {error}")
        return code


def _code_of(error: Exception) -> int | None:
    """The exit code of what went wrong; None: it is a bug."""
    # What can go wrong is imported when it has: a question to the reports needs none of it.
    from schemas.registry import RegistryError
    from streams.embedded.client import NotAnswered
    from streams.embedded.editions import NoSuchImport, NotBuilt
    from streams.embedded.failures import StorageError
    from streams.engine.checkpoint import UnreadableCheckpoint
    from streams.engine.results import ForeignLog, PoisonedLog
    from streams.imports.problems import InputProblem, MappingProblem, NothingUsable
    from streams.reports.errors import ReportsError

    codes: dict[int, tuple[type[Exception], ...]] = {
        WRONG: (MappingProblem,),
        NOTHING_USABLE: (NothingUsable,),
        FAILED: (
            DirectoryInUse,
            EditionUnderWay,
            ForeignLog,
            InputProblem,
            NoSuchImport,
            NotAnswered,
            NotBuilt,
            PoisonedLog,
            RegistryError,
            ReportsError,
            StorageError,
            UnreadableCheckpoint,
        ),
    }
    return next((code for code, kinds in codes.items() if isinstance(error, kinds)), None)
