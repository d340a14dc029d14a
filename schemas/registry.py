"""Where schema ids come from: the packaged files, or a Confluent Schema Registry by URL."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

from schemas.references import inlined

PACKAGED: Final = Path(__file__).resolve().parent
NAMESPACE: Final = "relasi"
LOG_RECORDS: Final = ("Touchpoint", "Tick", "Policy", "Link", "Merge", "Forward")
_TIMEOUT_SECONDS: Final = 10.0
_DEEPEST_REFERENCE: Final = 16


class RegistryError(Exception):
    """A schema that could not be had; says which, where it was looked for and what to do."""


class UnknownSchema(RegistryError):
    """The registry answered, and has no such schema."""


class Registry(Protocol):
    """What the rest of the program needs of a registry."""

    def ids(self) -> list[int]:
        """Ids under which records of the log may have been written, in ascending order; there may be others.

        Of a Schema Registry those of the subjects that bear our names.
        """

    def schema(self, schema_id: int) -> dict[str, Any]:
        """The schema of an id, as parsed JSON. Raises RegistryError."""

    def id_of(self, name: str) -> int:
        """Id of the newest version of a record, such as ``Touchpoint``. Raises RegistryError."""

    def named(self, schema_id: int) -> str:
        """Record name of an id, without its namespace. Raises RegistryError."""


class FileRegistry:
    """Ids from ``registry.json`` beside this module: [{id, name, version, file}]."""

    def __init__(self, folder: Path = PACKAGED) -> None:
        self._folder = folder
        self._schemas: dict[int, dict[str, Any]] = {}

    @cached_property
    def _entries(self) -> dict[int, dict[str, Any]]:
        path = self._folder / "registry.json"
        try:
            return {int(entry["id"]): entry for entry in json.loads(path.read_text("utf-8"))}
        except (OSError, ValueError, KeyError) as error:
            raise RegistryError(f"{path}: the list of schemas can't be read ({error}); reinstall Relasi") from error

    def _entry(self, schema_id: int) -> dict[str, Any]:
        if schema_id not in self._entries:
            known = ", ".join(map(str, self.ids()))
            raise UnknownSchema(
                f"schema id {schema_id} is not in registry.json (known: {known}); "
                "records from a Schema Registry need its URL in the settings"
            )
        return self._entries[schema_id]

    def ids(self) -> list[int]:
        return sorted(self._entries)

    def schema(self, schema_id: int) -> dict[str, Any]:
        if schema_id not in self._schemas:
            path = self._folder / self._entry(schema_id)["file"]
            try:
                self._schemas[schema_id] = json.loads(path.read_text("utf-8"))
            except (OSError, ValueError) as error:
                raise RegistryError(f"{path}: the schema can't be read ({error}); reinstall Relasi") from error
        return self._schemas[schema_id]

    def id_of(self, name: str) -> int:
        versions = {entry["version"]: key for key, entry in self._entries.items() if entry["name"] == name}
        if not versions:
            names = ", ".join(sorted({entry["name"] for entry in self._entries.values()}))
            raise RegistryError(f"no schema is named {name!r}; there are {names}")
        return versions[max(versions)]

    def named(self, schema_id: int) -> str:
        return str(self._entry(schema_id)["name"])

    def names(self) -> set[str]:
        """Of all records that have a schema."""
        return {str(entry["name"]) for entry in self._entries.values()}


class SchemaRegistry:
    """Ids from a Confluent Schema Registry, or another server with its REST API; answers are kept for good.

    The subject of a record is its full name (RecordNameStrategy), since several records share a topic. A user and a
    password may stand in the URL. The id of a record of ours is that of the schema that comes with this release,
    whatever somebody else registered since; a registry that lacks it is given it. A schema never changes under its
    id, so only ``ids`` could ever be stale.
    """

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise RegistryError(
                f"{url!r} is not the URL of a Schema Registry; expected something like http://host:8081"
            )
        host = parts.netloc.rpartition("@")[2]
        self._base = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self._headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if parts.username is not None:
            pair = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        self._schemas: dict[int, dict[str, Any]] = {}
        self._newest: dict[str, int] = {}
        self._ids: list[int] | None = None

    def ids(self) -> list[int]:
        if self._ids is None:
            self._ids = sorted({key for name in LOG_RECORDS for key in self._versions(name)})
        return self._ids

    def _versions(self, name: str) -> list[int]:
        subject = _subject(name)
        try:
            versions = self._get(f"{subject}/versions")
        except UnknownSchema:
            return []
        found = []
        for version in versions:
            answer = self._get(f"{subject}/versions/{version}")
            self._keep(int(answer["id"]), answer)
            found.append(int(answer["id"]))
        return found

    def schema(self, schema_id: int) -> dict[str, Any]:
        if schema_id not in self._schemas:
            self._keep(schema_id, self._get(f"/schemas/ids/{schema_id}"))
        return self._schemas[schema_id]

    def id_of(self, name: str) -> int:
        if name in FileRegistry().names():
            own = FileRegistry()
            return self._newest.get(name) or self.own_id(own.schema(own.id_of(name)))
        if name not in self._newest:
            answer = self._get(f"{_subject(name)}/versions/latest")
            self._keep(int(answer["id"]), answer)
            self._newest[name] = int(answer["id"])
        return self._newest[name]

    def named(self, schema_id: int) -> str:
        return str(self.schema(schema_id).get("name", "")).rpartition(".")[2]

    def register(self, schema: Mapping[str, Any]) -> int:
        """Give a record's schema to the registry, under its full name, and return its id; known ones keep theirs."""
        name = str(schema["name"])
        body = json.dumps({"schema": json.dumps(schema)}).encode()
        schema_id = int(self._get(f"{_subject(name)}/versions", body)["id"])
        self._newest[name] = schema_id
        self._schemas[schema_id] = dict(schema)
        return schema_id

    def own_id(self, schema: Mapping[str, Any]) -> int:
        """The id of a record's schema under its full name; given to the registry only where it has it not yet.

        A registry may let some read that it lets nothing register.
        """
        name = str(schema["name"])
        try:
            schema_id = int(self._get(_subject(name), json.dumps({"schema": json.dumps(schema)}).encode())["id"])
        except UnknownSchema:
            return self.register(schema)
        self._newest[name], self._schemas[schema_id] = schema_id, dict(schema)
        return schema_id

    def _keep(self, schema_id: int, answer: Mapping[str, Any]) -> None:
        self._schemas[schema_id] = self._parsed(answer)

    def _parsed(self, answer: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
        """The schema of an answer, with the types of other subjects that it refers to."""
        kind = str(answer.get("schemaType") or "AVRO")
        try:
            schema = json.loads(answer["schema"]) if kind == "AVRO" else kind
        except (ValueError, TypeError, RecursionError):
            schema = "no JSON"
        if depth < _DEEPEST_REFERENCE:
            named = {}
            for each in answer.get("references") or ():
                subject = urllib.parse.quote(str(each["subject"]), safe="")
                other = self._get(f"/subjects/{subject}/versions/{int(each['version'])}")
                named[str(each["name"])] = self._parsed(other, depth + 1)
            schema = inlined(schema, named) if named else schema
        return schema if isinstance(schema, dict) else {"type": schema}

    def _get(self, path: str, body: bytes | None = None) -> Any:
        url = self._base + path
        headers = self._headers | ({"Content-Type": "application/vnd.schemaregistry.v1+json"} if body else {})
        request = urllib.request.Request(url, body, headers)  # noqa: S310  # the scheme was checked on construction
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                detail = error.read(500).decode("utf-8", "replace")
            kind = UnknownSchema if error.code == 404 and _is_answer(path, detail) else RegistryError
            raise kind(f"{url} answered {error.code}: {detail or error.reason}") from error
        except (OSError, ValueError) as error:
            raise RegistryError(
                f"{url} gave no usable answer ({error}); is the Schema Registry running there?"
            ) from error


def _is_answer(path: str, detail: str) -> bool:
    """Whether a 404 to a question for an id is the registry's own, and not that of whoever else is at this URL.

    It decides over records. Confluent's API gives error codes 40401 to 40403.
    """
    if not path.startswith("/schemas/"):
        return True
    try:
        return str(json.loads(detail)["error_code"]).startswith("404")
    except (ValueError, KeyError, TypeError):
        return False


def establish(registry: SchemaRegistry) -> None:
    """Have the registry's ids of the schemas that come with Relasi, which are given to it where it lacks them.

    From then on ``id_of`` answers without asking. Raises RegistryError.
    """
    packaged = FileRegistry()
    for schema_id in packaged.ids():
        registry.own_id(packaged.schema(schema_id))


def _subject(name: str) -> str:
    return f"/subjects/{urllib.parse.quote(f'{NAMESPACE}.{name}', safe='')}"
