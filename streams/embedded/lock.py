"""One process per data directory. The kernel holds the lock, so it goes with the process, however that ends."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.embedded.failures import StorageError

FILE_NAME: Final = "relasi.lock"
BUILD_NAME: Final = "edition.lock"
_LONGEST_NOTE: Final = 8192


@dataclass(frozen=True)
class Holder:
    """Who uses a directory: its process, the command that it runs, and where it answers commands, if it does."""

    pid: int
    command: str
    socket: str | None = None


class DirectoryInUse(Exception):
    """Another process uses the directory. ``holder`` is None when it has not yet written who it is."""

    def __init__(self, directory: Path, holder: Holder | None) -> None:
        who = f"process {holder.pid} ({holder.command})" if holder else "another process"
        super().__init__(
            f"{directory} is used by {who}. Wait until it ends or stop it, or choose another directory with --data."
        )
        self.holder: Final = holder


class EditionUnderWay(Exception):
    """The next edition of the directory is being built. ``holder``: by whom, as far as that was written yet."""

    def __init__(self, directory: Path, holder: Holder | None) -> None:
        who = f"process {holder.pid} ({holder.command})" if holder else "another process"
        super().__init__(
            f"{directory}: {who} builds its next edition. What of a file is known already would depend on when that "
            "is in force: wait until it is, and ask again. Events over HTTP are taken meanwhile."
        )
        self.holder: Final = holder


class DirectoryLock:
    """The sole use of ``directory``, which is created when it is missing.

    Raises ``DirectoryInUse``, or ``StorageError`` when there can be no such directory. The file stays behind when the
    lock is released: were it deleted, two processes could each lock a file of that name.
    """

    def __init__(self, directory: Path, command: str) -> None:
        self._file: Final = _open(directory)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _holder(self._file)
            os.close(self._file)
            if isinstance(error, BlockingIOError):
                raise DirectoryInUse(directory, holder) from None
            raise StorageError(f"{directory}: this file system does not support locks ({error.strerror}).") from error
        self._command: Final = command
        self._held = True
        self.announce(None)

    def announce(self, socket: str | None) -> None:
        """Say where this process answers commands."""
        note = json.dumps(asdict(Holder(os.getpid(), self._command[: _LONGEST_NOTE // 8], socket))).encode() + b"\n"
        # In this order a reader finds the whole line at any moment; what is left of a longer one stands behind it.
        os.pwrite(self._file, note, 0)
        os.ftruncate(self._file, len(note))

    def release(self) -> None:
        """Let others use the directory; does nothing the second time."""
        if self._held:
            self._held = False
            os.ftruncate(self._file, 0)
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


class BuildLock:
    """The sole right to build the next edition of a directory, which others may use meanwhile; a context manager.

    Raises ``EditionUnderWay`` where another process builds one.
    """

    def __init__(self, directory: Path, command: str) -> None:
        self._file: Final = os.open(directory / BUILD_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._file)
            os.close(self._file)
            raise EditionUnderWay(directory, holder) from None
        note = json.dumps(asdict(Holder(os.getpid(), command[: _LONGEST_NOTE // 8]))).encode() + b"\n"
        os.pwrite(self._file, note, 0)
        os.ftruncate(self._file, len(note))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        os.ftruncate(self._file, 0)
        os.close(self._file)


def check_not_building(directory: Path) -> None:
    """Raise EditionUnderWay where another process builds the next edition of a directory, or this one does."""
    try:
        file = os.open(directory / BUILD_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EditionUnderWay(directory, _holder(file)) from None
    finally:
        os.close(file)


class SharedLock:
    """The use of a directory that this process can only read, beside others that only read; a context manager.

    Raises ``DirectoryInUse`` where a process uses it that writes. Where there is no file that could be locked, nobody
    has opened the directory, or nobody else's lock could be seen: whoever can't write there has no say in it.
    """

    def __init__(self, directory: Path) -> None:
        try:
            self._file = os.open(directory / FILE_NAME, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._file)
            os.close(self._file)
            raise DirectoryInUse(directory, holder) from None
        except OSError:
            # Some file systems lock only what is open for writing.
            pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def _open(directory: Path) -> int:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return os.open(directory / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            f"{directory}: cannot be used as a data directory ({error.strerror}). "
            "Check the path and its permissions, or choose another one with --data."
        ) from error


def _holder(file: int) -> Holder | None:
    line = os.pread(file, _LONGEST_NOTE, 0).partition(b"\n")[0]
    try:
        return Holder(**json.loads(line))
    except (ValueError, TypeError):
        return None
