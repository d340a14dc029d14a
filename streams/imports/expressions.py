"""Small expressions over the columns of a file: checked when a mapping is read, worked out a column at a time.

The grammar is a part of Python's, read with ``ast``; no code is run. A name is a column, ``a.b`` a path into a nested
one, and any other name stands in backquotes: `` `Created at` ``. What an expression gives is decided by what it is for:
an amount is a number, an id a text, a condition a truth. So ``+`` adds numbers and joins texts with a space between.
Sums and products of numbers are rounded to six decimals, so that they are those of decimal arithmetic.
"""

import ast
import re
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from streams.imports.columns import joined_texts

Numbers = npt.NDArray[np.float64]
_QUOTED: Final = re.compile(r"`([^`\n]+)`")
_PLACEHOLDER: Final = "__column_{}__"
_DECIMALS: Final = 6
_EXACT: Final = 1e9
_COMPARED: Final[dict[type[ast.cmpop], Any]] = {
    ast.Eq: pc.equal, ast.NotEq: pc.not_equal, ast.Lt: pc.less, ast.LtE: pc.less_equal, ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}  # fmt: skip
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Numbers, Numbers], Numbers]]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide,
}  # fmt: skip
TEXT_FUNCTIONS: Final = {"lower": 1, "upper": 1, "trim": 1, "replace": 3, "split": 3, "join": 0, "text": 1}
NUMBER_FUNCTIONS: Final = {"number": 1, "abs": 1, "round": 2}
TRUTH_FUNCTIONS: Final = {"starts_with": 2, "ends_with": 2, "contains": 2, "given": 1}
EITHER: Final = {"coalesce": 0}
_ALL: Final = TEXT_FUNCTIONS | NUMBER_FUNCTIONS | TRUTH_FUNCTIONS | EITHER


_FIXED: Final = {"replace": (1, 2), "split": (1, 2), "round": (1,)} | {
    name: (1,) for name in TRUTH_FUNCTIONS if name != "given"
}


class ExpressionProblem(ValueError):
    """An expression that cannot be used; says what, and where in it."""


class Columns(Protocol):
    """The columns of some rows. ``text`` and ``number`` give nulls where there is no such column."""

    rows: int

    def text(self, name: str) -> Any: ...

    def number(self, name: str) -> Any: ...


class Expression:
    """A checked expression. ``names``: the columns that it reads. Raises ``ExpressionProblem``."""

    def __init__(self, source: str) -> None:
        quoted: list[str] = []

        def hidden(found: "re.Match[str]") -> str:
            quoted.append(found[1])
            return _PLACEHOLDER.format(len(quoted) - 1)

        self.source = source
        self._quoted = quoted
        try:
            self._tree = ast.parse(_QUOTED.sub(hidden, source).strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExpressionProblem(f"{source!r} is no expression: {getattr(error, 'msg', error)}") from error
        self.names: list[str] = []
        self._check(self._tree)

    @property
    def alternatives(self) -> list[str]:
        """The columns of which it is the first that has a value, where it is nothing else."""
        tree = self._tree
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "coalesce":
            names = [self.name_of(arg) for arg in tree.args]
            if None not in names:
                return [name for name in names if name is not None]
        return []

    def text(self, columns: Columns) -> Any:
        """A text column."""
        return _text(self, self._tree, columns)

    def number(self, columns: Columns) -> Any:
        """A column of doubles."""
        return _number(self, self._tree, columns)

    def truth(self, columns: Columns) -> npt.NDArray[np.bool_]:
        """bool[rows]; what cannot be told is false."""
        found: npt.NDArray[np.bool_] = _truth(self, self._tree, columns).fill_null(False).to_numpy(zero_copy_only=False)
        return found

    def name_of(self, node: ast.expr) -> str | None:
        """The column that a name or a path stands for; None of anything else."""
        if isinstance(node, ast.Name):
            found = re.fullmatch(r"__column_(\d+)__", node.id)
            return self._quoted[int(found[1])] if found else node.id
        if isinstance(node, ast.Attribute):
            root = self.name_of(node.value)
            return None if root is None else f"{root}.{node.attr}"
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, int)
        ):
            root = self.name_of(node.value)
            return None if root is None else f"{root}[{node.slice.value}]"
        return None

    def _check(self, node: ast.expr) -> None:
        name = self.name_of(node)
        if name is not None:
            self.names.append(name)
            return
        for child in self._parts(node):
            self._check(child)

    def _parts(self, node: ast.expr) -> list[ast.expr]:
        """What a node is made of. Raises ``ExpressionProblem`` where it is nothing that is understood."""
        if isinstance(node, ast.Constant) and type(node.value) in (str, int, float, bool):
            return []
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return [node.left, node.right]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
            return [node.operand]
        if isinstance(node, ast.BoolOp):
            return node.values
        if isinstance(node, ast.IfExp):
            return [node.test, node.body, node.orelse]
        if isinstance(node, ast.Compare):
            return self._compared(node)
        if isinstance(node, ast.Call):
            return self._called(node)
        raise ExpressionProblem(f"{self.source!r}: {ast.unparse(node)} is nothing that is understood here")

    def _compared(self, node: ast.Compare) -> list[ast.expr]:
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.In | ast.NotIn):
            listed = node.comparators[0]
            if isinstance(listed, ast.List | ast.Tuple) and all(isinstance(one, ast.Constant) for one in listed.elts):
                return [node.left]
            raise ExpressionProblem(f'{self.source!r}: what follows "in" must be a list of values, such as ["a", "b"]')
        if len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
            return [node.left, node.comparators[0]]
        raise ExpressionProblem(f"{self.source!r}: compare two things at a time, with == != < <= > >= or in")

    def _called(self, node: ast.Call) -> list[ast.expr]:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        if name not in _ALL or node.keywords:
            raise ExpressionProblem(f"{self.source!r}: functions are {', '.join(sorted(_ALL))}")
        wanted = _ALL[name]
        if len(node.args) != wanted and (wanted or not node.args):
            raise ExpressionProblem(f"{self.source!r}: {name} takes {wanted or 'some'} values, not {len(node.args)}")
        for i in _FIXED.get(name, ()):
            if not isinstance(node.args[i], ast.Constant):
                raise ExpressionProblem(f"{self.source!r}: value {i + 1} of {name} must stand there as it is")
        return node.args


def _is_number(node: ast.expr) -> bool:
    """Whether a node says by itself that it is a number."""
    if isinstance(node, ast.Constant):
        return type(node.value) in (int, float)
    if isinstance(node, ast.BinOp):
        return not isinstance(node.op, ast.Add) or _is_number(node.left) or _is_number(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in NUMBER_FUNCTIONS
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _text(expression: Expression, node: ast.expr, columns: Columns) -> Any:
    if (name := expression.name_of(node)) is not None:
        return columns.text(name)
    if isinstance(node, ast.Constant):
        return _repeated(str(node.value), columns)
    if isinstance(node, ast.IfExp):
        test = _truth(expression, node.test, columns).fill_null(False)
        return pc.if_else(test, _text(expression, node.body, columns), _text(expression, node.orelse, columns))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and not _is_number(node):
        both = [_text(expression, side, columns) for side in (node.left, node.right)]
        return joined_texts(both, " ")
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in NUMBER_FUNCTIONS:
        return _text_call(expression, node.func.id, node.args, columns)
    if _is_number(node):
        return _number(expression, node, columns).cast(pa.string())
    return _truth(expression, node, columns).cast(pa.string())


def _text_call(expression: Expression, name: str, args: list[ast.expr], columns: Columns) -> Any:
    if name in TRUTH_FUNCTIONS:
        return _truth_call(expression, name, args, columns).cast(pa.string())
    found = [_text(expression, arg, columns) for arg in args]
    if name == "coalesce":
        return pc.coalesce(*found)
    if name == "join":
        return joined_texts(found, "")
    if name == "replace":
        old, new = (str(arg.value) for arg in args[1:] if isinstance(arg, ast.Constant))
        return _empty_as_null(pc.replace_substring(found[0], old, new))
    if name == "split":
        sign, place = (arg.value for arg in args[1:] if isinstance(arg, ast.Constant))
        return _piece(found[0], str(sign), int(str(place)))
    if name in ("lower", "upper"):
        return (pc.utf8_lower if name == "lower" else pc.utf8_upper)(found[0])
    return _empty_as_null(pc.utf8_trim_whitespace(found[0]))


def _piece(text: Any, sign: str, place: int) -> Any:
    """The part at ``place`` (0 is the first) of each text, split at ``sign``; null where there is none."""
    parts = pc.split_pattern(text, sign)
    long = pc.greater(pc.list_value_length(parts), place)
    padded = pc.if_else(long.fill_null(False), parts, pa.scalar([""] * (place + 1), pa.list_(pa.string())))
    return _empty_as_null(pc.if_else(pc.is_valid(text), pc.list_element(padded, place), None))


def _number(expression: Expression, node: ast.expr, columns: Columns) -> Any:
    if (name := expression.name_of(node)) is not None:
        return columns.number(name)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return pa.array(np.full(columns.rows, float(node.value)))  # type: ignore[arg-type]
    if isinstance(node, ast.BinOp):
        left, right = (_number(expression, side, columns) for side in (node.left, node.right))
        return _computed(_ARITHMETIC[type(node.op)], left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return pc.negate(_number(expression, node.operand, columns))
    if isinstance(node, ast.IfExp):
        test = _truth(expression, node.test, columns).fill_null(False)
        return pc.if_else(test, _number(expression, node.body, columns), _number(expression, node.orelse, columns))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "coalesce":
            return pc.coalesce(*(_number(expression, arg, columns) for arg in node.args))
        if node.func.id in NUMBER_FUNCTIONS:
            value = _number(expression, node.args[0], columns)
            if node.func.id == "round":
                places = node.args[1].value if isinstance(node.args[1], ast.Constant) else 0
                return pc.round(value, int(str(places)), "half_to_even")
            return pc.abs(value) if node.func.id == "abs" else value
    return _as_numbers(_text(expression, node, columns))


def _as_numbers(text: Any) -> Any:
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        return pa.array([_float(value) for value in text.to_pylist()], pa.float64())


def _float(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _computed(operation: Callable[[Numbers, Numbers], Numbers], left: Any, right: Any) -> Any:
    with np.errstate(all="ignore"):
        values = operation(left.to_numpy(zero_copy_only=False), right.to_numpy(zero_copy_only=False))
        values = np.where(np.abs(values) < _EXACT, np.round(values, _DECIMALS), values)
    return pa.array(values, mask=~np.isfinite(values))


def _truth(expression: Expression, node: ast.expr, columns: Columns) -> Any:
    if isinstance(node, ast.BoolOp):
        both = pc.and_kleene if isinstance(node.op, ast.And) else pc.or_kleene
        found = _truth(expression, node.values[0], columns)
        for value in node.values[1:]:
            found = both(found, _truth(expression, value, columns))
        return found
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return pc.invert(_truth(expression, node.operand, columns).fill_null(False))
    if isinstance(node, ast.Compare):
        return _comparison(expression, node, columns)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TRUTH_FUNCTIONS:
        return _truth_call(expression, node.func.id, node.args, columns)
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return pa.array(np.full(columns.rows, node.value))
    return pc.is_in(pc.utf8_lower(_text(expression, node, columns)), pa.array(["true", "yes", "1", "t", "y"]))


def _comparison(expression: Expression, node: ast.Compare, columns: Columns) -> Any:
    operator, right = node.ops[0], node.comparators[0]
    if isinstance(operator, ast.In | ast.NotIn) and isinstance(right, ast.List | ast.Tuple):
        listed = [str(one.value) for one in right.elts if isinstance(one, ast.Constant)]
        found = pc.is_in(_text(expression, node.left, columns), pa.array(listed, pa.string()))
        return pc.invert(found) if isinstance(operator, ast.NotIn) else found
    compare = _COMPARED[type(operator)]
    if _is_number(node.left) or _is_number(right):
        return compare(_number(expression, node.left, columns), _number(expression, right, columns))
    left, other = _text(expression, node.left, columns), _text(expression, right, columns)
    if isinstance(operator, ast.NotEq):
        # Nothing differs from every text.
        return pc.coalesce(compare(left, other), pc.not_equal(pc.is_null(left), pc.is_null(other)))
    return compare(left, other)


def _truth_call(expression: Expression, name: str, args: list[ast.expr], columns: Columns) -> Any:
    text = _text(expression, args[0], columns)
    if name == "given":
        return pc.is_valid(text)
    part = str(args[1].value) if isinstance(args[1], ast.Constant) else ""
    call = {"starts_with": pc.starts_with, "ends_with": pc.ends_with, "contains": pc.match_substring}[name]
    return call(text, part)


def _repeated(value: str, columns: Columns) -> Any:
    return pa.repeat(pa.scalar(value or None, pa.string()), columns.rows)


def _empty_as_null(text: Any) -> Any:
    return pc.if_else(pc.equal(pc.binary_length(text), 0), pa.scalar(None, pa.string()), text)
