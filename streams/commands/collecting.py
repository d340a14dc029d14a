"""What the commands share that take events over HTTP."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

from streams.collector.serving import address_in, bound
from streams.collector.sources import Sources, sources_of
from streams.commands.held import SettingsProblem
from streams.embedded.client import NotAnswered, ask
from streams.settings import SettingsError, load_sources


def sources_from(settings: Path | None) -> Sources:
    """The sources of a file of settings. Raises SettingsProblem, also where there is none."""
    try:
        sources = sources_of(*load_sources(settings))
    except SettingsError as error:
        raise SettingsProblem(f"relasi: {error}") from error
    if not sources.all:
        raise SettingsProblem(
            f"relasi: {settings or 'relasi.toml'} has no [sources.NAME], so nobody could send anything; "
            "`relasi sources add NAME --browser` or --server makes one"
        )
    return sources


def listener_at(address: str, *, shared: bool = False) -> socket.socket:
    """A socket that listens there, ``shared`` with others. Raises SettingsProblem."""
    try:
        return bound(*address_in(address), shared=shared)
    except ValueError as error:
        raise SettingsProblem(f"relasi: --http: {error}") from error
    except OSError as error:
        raise SettingsProblem(f"relasi: --http {address}: {error.strerror}; choose another port") from error


def teller(address: str) -> Callable[[str], Awaitable[str]]:
    """Asks the running process how a customer stands, as the command ``customer`` of another process does."""

    def told(customer: str) -> str:
        out = bytearray()
        try:
            ask(address, ["customer", "--", customer], Path.cwd(), out.extend, out.extend)
        except NotAnswered as error:
            return str(error)
        return out.decode("utf-8", "replace")

    async def tell(customer: str) -> str:
        return await asyncio.to_thread(told, customer)

    return tell
