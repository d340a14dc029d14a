"""The rooms of the code: what is in each, and what it may import. docs/architecture.md has its table from here.

PYTHONPATH=tests python -m support.rooms     writes the table anew (``make docs``)
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "architecture.md"
LAYERS: Final = ("processors", "schemas", "streams")
OUTSIDE: Final = frozenset({"tests", "deploy"})


class Room(NamedTuple):
    """What is in a room, which other rooms it may import, and which packages of others."""

    purpose: str
    rooms: frozenset[str]
    packages: frozenset[str]


def _room(purpose: str, rooms: str = "", packages: str = "") -> Room:
    return Room(purpose, frozenset(rooms.split()), frozenset(packages.split()))


# A room is a folder, or a module that stands by itself; a module belongs to the longest name that it begins with. Lower
# rooms stand first. What is not named here can't be imported, so a new package or a new way is a line that one sees.
MAY_IMPORT: Final = {
    "processors": _room("the model: pure functions over integers, bytes and rows", "", "llvmlite numba numpy"),
    "schemas": _room(
        "Avro schemas, registries, decode plans, the compiled decoder and encoder", "processors", "avro numpy pyarrow"
    ),
    "streams/clock": _room("the clocks: nothing else reads one"),
    "streams/texts": _room("small texts that people write, read with a limit", "processors"),
    "streams/payloads": _room("the bytes of a reject, as many as fit", "", "numpy"),
    "streams/settings": _room("the settings of the Kafka shell", "processors streams/texts"),
    "streams/logs": _room("what a worker tells its operators", "", "structlog"),
    "streams/policies": _room("the policies that come with Relasi", "processors"),
    "streams/log": _room(
        "what stands in the log and how it gets there: record batches, messages, ticks, partitioning, the `Writer`",
        "processors schemas",
        "cramjam fastavro google_crc32c numpy pyarrow",
    ),
    "streams/engine": _room(
        "a partition: record batches in, facts and checkpoint records out",
        "processors schemas streams/log",
        "numpy",
    ),
    "streams/metrics": _room("what a worker counts", "streams/engine streams/settings", "aiohttp prometheus_client"),
    "streams/reports": _room(
        "tables and views, in chDB or on a server", "processors schemas", "chdb clickhouse_driver numpy pyarrow"
    ),
    "streams/known": _room(
        "which events are known already: a set of hashes of what is stored",
        "processors streams/imports streams/log streams/reports",
        "numpy pyarrow",
    ),
    "streams/imports": _room(
        "files into canonical columns, in order of time",
        "processors schemas streams/payloads streams/policies streams/reports streams/texts",
        "cramjam fastavro numpy pyarrow python_calamine",
    ),
    "streams/collector": _room(
        "the HTTP collector: requests of SDKs into the same columns, through a `Writer`; protocol and mapping are pure",
        "processors schemas streams/clock streams/imports streams/log streams/payloads streams/reports "
        "streams/settings",
        "crawleruseragents numpy orjson prometheus_client pyarrow uvicorn uvloop",
    ),
    "streams/fitting": _room(
        "maximum likelihood for the models of purchases and spend, and their truth out of sample",
        "processors",
        "numpy pyarrow scipy",
    ),
    "streams/outputs": _room(
        "what comes out, one module an output: its rows for the reports and its messages; one list of them, and what "
        "waits to go out",
        "processors schemas streams/delivery streams/engine streams/log streams/payloads streams/reports",
        "numpy pyarrow tzdata",
    ),
    "streams/delivery": _room(
        "triggers on their way to webhooks: endpoints, shapes, signatures, the outbox, attempts",
        "schemas",
        "aiohttp fastavro prometheus_client pyarrow tzdata yarl",
    ),
    "streams/stories": _room(
        "stories: what is expected of a policy, against what a partition in memory makes of it",
        "processors schemas streams/engine streams/imports streams/log streams/outputs streams/policies streams/texts",
        "numpy pyarrow",
    ),
    "streams/embedded": _room(
        "the embedded shell: the log, and rows and outbox beside it, in SQLite; runs the partition",
        "processors schemas streams/clock streams/collector streams/delivery streams/engine streams/imports "
        "streams/known streams/log "
        "streams/outputs streams/policies streams/reports",
        "fastavro numpy pyarrow",
    ),
    "streams/kafka": _room(
        "the Kafka shell: Faust workers, topics, a producer of files",
        "processors schemas streams/clock streams/collector "
        "streams/delivery streams/engine streams/imports streams/known streams/log "
        "streams/logs streams/metrics streams/outputs streams/policies streams/reports streams/settings",
        "aiokafka faust kafka mode numpy pyarrow structlog uvloop yarl",
    ),
    "streams/commands": _room(
        "one module per command, and how a command line is read",
        "processors schemas streams/clock streams/collector "
        "streams/delivery streams/embedded streams/engine streams/fitting "
        "streams/imports streams/kafka streams/known streams/logs streams/metrics streams/outputs streams/policies "
        "streams/reports "
        "streams/settings streams/stories streams/texts",
        "numpy pyarrow rich",
    ),
    "streams/cli": _room("the command `relasi`: chooses a command, and so a shell", "streams/commands"),
}

SOURCES: Final = sorted(path for layer in LAYERS for path in (ROOT / layer).rglob("*.py"))


def name(path: Path) -> str:
    """Of a module: its path below the root."""
    return path.relative_to(ROOT).as_posix()


def room_of(module: str) -> str | None:
    """The room of a dotted name; None where it is none of ours, or in no room."""
    at = module.replace(".", "/")
    found = [room for room in MAY_IMPORT if at == room or at.startswith(room + "/")]
    return max(found, key=len, default=None)


@cache
def parsed(source: str) -> ast.Module:
    """The tree of a source: each is looked at from several sides."""
    return ast.parse(source)


def imported(source: str, path: Path) -> Iterator[str]:
    """Dotted names of what a module imports, also inside functions, relatively, or by a string."""
    package = name(path).removesuffix(".py").split("/")[:-1]
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            # What is imported from a package may be a module of it.
            yield from (f"{origin}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
            "import_module",
            "__import__",
        }:
            target = node.args[0] if node.args else None
            if isinstance(target, ast.JoinedStr):
                # A command's module by its name: what counts is the package that it must lie in.
                target = target.values[0]
            assert isinstance(target, ast.Constant), f"{name(path)}:{node.lineno} imports something computed"
            yield str(target.value)


def table() -> str:
    """The table of docs/architecture.md: the rooms that have something in them."""
    lines = ["| room | what is in it | other rooms that it may import | packages |", "|---|---|---|---|"]
    present = {room_of(name(path).removesuffix(".py").replace("/", ".")) for path in SOURCES}
    for room, (purpose, rooms, packages) in MAY_IMPORT.items():
        if room in present:
            folder = f"`{room}/`" if (ROOT / room).is_dir() else f"`{room}.py`"
            others = [other.removeprefix("streams/") for other in MAY_IMPORT if other in rooms & present]
            lines.append(f"| {folder} | {purpose} | {', '.join(others)} | {', '.join(sorted(packages))} |")
    return "\n".join(lines) + "\n"


def page_with(text: str) -> str:
    """The page, with this table instead of the one that stands in it."""
    page = PAGE.read_text()
    begin = page.index("| room |")
    end = page.index("\n\n", begin) + 1
    return page[:begin] + text + page[end:]


if __name__ == "__main__":
    PAGE.write_text(page_with(table()))
