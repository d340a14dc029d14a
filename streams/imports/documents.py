"""JSON that is no list of lines: an array of objects, one object over many lines, or several in a row.

An object at the top that holds one array of objects (``{"orders": [...]}``, as web interfaces answer) stands for these.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from streams.imports.files import LONGEST_LINE, Input, Stream
from streams.imports.problems import InputProblem

_SPACE: Final = " \t\r\n,"
_AT_ONCE: Final = 20_000
_BESIDE: Final = frozenset((
    "count", "total", "page", "pages", "per_page", "has_more", "next", "previous", "next_page", "cursor", "object",
    "url", "status", "success", "end_time", "end_of_stream", "links", "meta", "metadata", "paging", "pagination",
    "previous_page", "prev_page", "next_url", "after_url", "before_url", "after_cursor", "before_cursor",
    "next_cursor", "response_metadata", "_links", "errors", "warnings", "search_criteria", "total_count", "totalcount",
    "totalsize", "done", "offset", "limit", "page_size", "pagesize", "total_pages", "totalpages", "total_results",
    "totalresults", "next_page_token", "nextpagetoken", "nextrecordsurl", "@odata.context", "@odata.count",
    "@odata.nextlink",
))  # fmt: skip
_OF_MANY: Final = re.compile(r"^(?:total|average|number|num)[_A-Z]|(?:_count|Count|_token|Token|_total)$")
"""Names of what is said of all elements together: ``totalReviewCount``, ``averageRating``."""
_REST: Final = " \t\r\n"


class Element(NamedTuple):
    """An object: the line where it begins, itself, and its text."""

    line: int
    value: Any
    text: str


class Documents:
    """The objects of a text, in order; ``begun``: the bytes of it that were read already."""

    def __init__(self, source: Input, stream: Stream, begun: bytes) -> None:
        self._source = source
        self._stream = stream
        self._decoder = json.JSONDecoder()
        self._waiting = b""
        self._line = 1
        self._ended = False
        self._text = self._decoded(begun)
        self._at = 0

    def some(self) -> Iterator[list[Element]]:
        """Elements, some thousands at once. Raises ``InputProblem`` where the text is no JSON."""
        self._skip(_REST)
        in_array = self._text[self._at : self._at + 1] == "["
        if in_array:
            self._at += 1
        gathered: list[Element] = []
        while self._next(in_array):
            gathered += _unfolded(self._element())
            if len(gathered) >= _AT_ONCE:
                yield gathered
                gathered = []
                self._drop()
        if gathered:
            yield gathered

    def _next(self, in_array: bool) -> bool:
        """Whether another element begins; the array's end is passed."""
        self._skip(_SPACE)
        sign = self._text[self._at : self._at + 1]
        if in_array and sign == "]":
            self._at += 1
            self._skip(_REST)
            if self._text[self._at : self._at + 1]:
                raise self._broken("something follows the end of the array")
            return False
        if not sign and in_array:
            raise self._broken("the array does not end")
        return bool(sign)

    def _skip(self, signs: str) -> None:
        while True:
            begin = self._at
            while self._at < len(self._text) and self._text[self._at] in signs:
                self._at += 1
            self._line += self._text.count("\n", begin, self._at)
            if self._at < len(self._text) or self._ended:
                return
            self._more()

    def _element(self) -> Element:
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError as error:
                raise self._broken("nested too deeply") from error
            except ValueError as error:
                if self._ended:
                    raise self._broken(str(error)) from error
                self._more()
                continue
            if end == len(self._text) and not self._ended:
                self._more()
                continue
            line, text = self._line, self._text[self._at : end]
            self._line += text.count("\n")
            self._at = end
            return Element(line, value, text)

    def _more(self) -> None:
        piece = self._stream.read()
        self._ended = not piece
        # A letter may come in two pieces: the bytes that are left over wait.
        self._text += self._decoded(piece)
        if len(self._text) - self._at > LONGEST_LINE:
            raise self._broken(f"it goes on for more than {LONGEST_LINE >> 20} MiB")

    def _decoded(self, piece: bytes) -> str:
        data = self._waiting + piece
        try:
            self._waiting = b""
            return data.decode()
        except UnicodeDecodeError as error:
            if self._ended or len(data) - error.start > 3:
                raise self._broken(f"it is not UTF-8 ({error.reason})") from error
            self._waiting = data[error.start :]
            return data[: error.start].decode()

    def _drop(self) -> None:
        self._text, self._at = self._text[self._at :], 0

    def _broken(self, why: str) -> InputProblem:
        return InputProblem(f"{self._source.name}: the JSON value that begins in line {self._line} is broken: {why}")


def _unfolded(element: Element) -> list[Element]:
    value = element.value
    if isinstance(value, dict):
        arrays = [entry for entry in value.values() if isinstance(entry, list) and entry]
        objects = len(arrays) == 1 and all(isinstance(entry, dict) for entry in arrays[0])
        if objects and _is_wrapper(value):
            return [Element(element.line, entry, json.dumps(entry)) for entry in arrays[0]]
    return [element]


def _is_wrapper(value: dict[str, Any]) -> bool:
    """Whether an object says nothing beside its array but a count, a cursor, an average or the like.

    ``type`` and ``kind`` say what the array is where they name a list (``conversation.list``)."""
    return all(
        name.lower() in _BESIDE or _OF_MANY.search(name) is not None or _names_a_list(name, entry)
        for name, entry in value.items()
        if not isinstance(entry, list)
    )


def _names_a_list(name: str, entry: Any) -> bool:
    return name in ("type", "kind") and isinstance(entry, str) and "list" in entry.lower()
