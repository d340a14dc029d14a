"""Conditions of rules: a small part of Python's expressions over the fields of a customer.

``purchases >= 2 and stage != "dissolution"``, ``1 < days_since_last_purchase <= 30``, ``not win_back``,
``value_tier in ("middle", "high")``, ``spend_minor / purchases > 5000``. Of what is not known nothing is true: neither
``days_since_last_purchase > 30`` nor ``<= 30`` of somebody who never bought. One tree becomes a program for the engine
and an expression of ClickHouse; both compute in double precision, in the same order.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from processors.triggers import programs
from processors.triggers.fields import FIELDS, NUMBER, PLACES, TRUTH, WORD, Field

_ALIKE: Final = 0.6
LONGEST: Final = 2000
"""Characters of a condition."""
_ARITHMETIC: Final = {
    ast.Add: (programs.ADD, "+"),
    ast.Sub: (programs.SUBTRACT, "-"),
    ast.Mult: (programs.MULTIPLY, "*"),
    ast.Div: (programs.DIVIDE, "/"),
}
# Which operation, whether its sides change places, and how SQL writes it.
_COMPARISONS: Final = {
    ast.Lt: (programs.LESS, False, "<"),
    ast.LtE: (programs.AT_MOST, False, "<="),
    ast.Gt: (programs.LESS, True, ">"),
    ast.GtE: (programs.AT_MOST, True, ">="),
    ast.Eq: (programs.EQUAL, False, "="),
    ast.NotEq: (programs.UNEQUAL, False, "!="),
}


class ConditionError(ValueError):
    """A condition that can't be used; ``column`` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Part:
    """A part of a condition: its type, its program, and the same in SQL; empty where no report knows it."""

    type: str
    code: tuple[tuple[int, float], ...]
    sql: str
    field: Field | None = None


@dataclass(frozen=True)
class Condition:
    """``code``: of each word the operation and its operand, the place of a field or the value of a constant."""

    code: tuple[tuple[int, float], ...]
    sql: str
    figures: bool


ALWAYS: Final = Condition((), "1", figures=False)


def parse(text: str, extra: Mapping[str, tuple[int, Field]] | None = None) -> Condition:
    """A condition; ``extra``: fields that only this rule has, and their places. Raises ConditionError."""
    if len(text) > LONGEST:
        raise ConditionError(f"has {len(text)} characters; {LONGEST} are the most", LONGEST)
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = (error.offset or len(text) + 1) if isinstance(error, SyntaxError) else 1
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ConditionError(f"is no condition: {reason}", column) from error
    reader = _Reader(text, extra or {})
    try:
        part = reader.truth(tree)
    except RecursionError as error:
        raise ConditionError("is no condition: it is nested too deeply", 1) from error
    if programs.depth_of([operation for operation, _ in part.code]) > programs.STACK:
        raise ConditionError("is nested too deeply", 1)
    used = {int(place) for operation, place in part.code if operation == programs.FIELD}
    return Condition(part.code, part.sql, any(place < len(FIELDS) and FIELDS[place].figures for place in used))


class _Reader:
    def __init__(self, text: str, extra: Mapping[str, tuple[int, Field]]) -> None:
        self._text, self._extra = text, extra

    def _error(self, node: ast.AST, message: str) -> ConditionError:
        # Python counts bytes of UTF-8, people count characters.
        offset = int(getattr(node, "col_offset", 0))
        return ConditionError(message, len(self._text.encode()[:offset].decode(errors="ignore")) + 1)

    def truth(self, node: ast.expr) -> Part:
        """A part that is true or false."""
        if isinstance(node, ast.BoolOp):
            parts = [self.truth(value) for value in node.values]
            last = (programs.AND, "AND") if isinstance(node.op, ast.And) else (programs.OR, "OR")
            return _joined(parts, *last)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            part = self.truth(node.operand)
            return Part(TRUTH, (*part.code, (programs.NOT, 0)), f"NOT ({part.sql})" if part.sql else "")
        if isinstance(node, ast.Compare):
            return _joined(list(self._comparisons(node)), programs.AND, "AND")
        if isinstance(node, ast.Constant) and isinstance(node.value, bool):
            return Part(TRUTH, ((programs.CONSTANT, float(node.value)),), str(int(node.value)))
        part = self._operand(node)
        if part.type != TRUTH:
            raise self._error(node, f"{_shown(node)} is {part.type}: a condition compares it with something")
        return part

    def _comparisons(self, node: ast.Compare) -> Iterator[Part]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.In | ast.NotIn):
                yield self._among(left, right, outside=isinstance(operator, ast.NotIn))
            elif type(operator) in _COMPARISONS:
                yield self._compared(left, type(operator), right)
            else:
                raise self._error(node, "is and is not compare nothing here: expected == or !=")
            left = right

    def _compared(self, left: ast.expr, operator: type[ast.cmpop], right: ast.expr) -> Part:
        operation, turned, sign = _COMPARISONS[operator]
        if isinstance(left, ast.Constant) and isinstance(left.value, str):
            if isinstance(right, ast.Constant):
                raise self._error(left, "two constants are compared")
            return self._word(right, left, operation)
        if isinstance(right, ast.Constant) and isinstance(right.value, str):
            return self._word(left, right, operation)
        one, other = self._operand(left), self._operand(right)
        for node, part in ((left, one), (right, other)):
            if part.type != NUMBER:
                raise self._error(node, f"{_shown(node)} is {part.type}: expected a number")
        code = (*other.code, *one.code) if turned else (*one.code, *other.code)
        sql = f"ifNull({one.sql} {sign} {other.sql}, 0)" if one.sql and other.sql else ""
        return Part(TRUTH, (*code, (operation, 0)), sql)

    def _word(self, node: ast.expr, literal: ast.Constant, operation: int) -> Part:
        part = self._operand(node)
        if part.field is None or part.type != WORD:
            raise self._error(literal, f"{_shown(node)} is {part.type}, and no word")
        if operation not in (programs.EQUAL, programs.UNEQUAL):
            raise self._error(literal, f"{part.field.name} is a word: expected ==, != or in")
        place = self._place_of_word(part.field, literal)
        sign = "=" if operation == programs.EQUAL else "!="
        sql = f"ifNull({part.sql} {sign} '{part.field.words[place]}', 0)" if part.sql else ""
        return Part(TRUTH, (*part.code, (programs.CONSTANT, float(place)), (operation, 0)), sql)

    def _place_of_word(self, field: Field, literal: ast.expr) -> int:
        value = literal.value if isinstance(literal, ast.Constant) else None
        if not isinstance(value, str):
            raise self._error(literal, f"{_shown(literal)} is no word: expected a text in quotes")
        words = called(field.words)
        if value not in words:
            what = "stage" if field.words == FIELDS[PLACES["stage"]].words else field.name
            raise self._error(literal, f"'{value}' is no {what} (one of {', '.join(words)})")
        return words.index(value)

    def _among(self, left: ast.expr, right: ast.expr, *, outside: bool) -> Part:
        if isinstance(left, ast.Constant) and isinstance(right, ast.Name) and right.id == "let_go":
            part = self._operand(ast.copy_location(ast.Name(f"let_go_{left.value!s}"), left))
        else:
            if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
                raise self._error(right, 'in needs a list of words, such as ("one", "other")')
            each = [self._compared(left, ast.Eq, item) for item in right.elts]
            part = _joined(each, programs.OR, "OR")
        if not outside:
            return part
        return Part(TRUTH, (*part.code, (programs.NOT, 0)), f"NOT ({part.sql})" if part.sql else "")

    def _operand(self, node: ast.expr) -> Part:
        if isinstance(node, ast.Name):
            return self._field(node)
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            part = self._number(node.operand)
            return Part(NUMBER, (*part.code, (programs.NEGATE, 0)), f"(-{part.sql})" if part.sql else "")
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            return self._computed(node)
        if isinstance(node, ast.BoolOp | ast.Compare) or (
            isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        ):
            return self.truth(node)
        raise self._error(node, f"{_shown(node)} can't stand in a condition: fields, numbers, words, + - * /, "
                                "comparisons, and, or, not and in can")  # fmt: skip

    def _number(self, node: ast.expr) -> Part:
        part = self._operand(node)
        if part.type != NUMBER:
            raise self._error(node, f"{_shown(node)} is {part.type}: expected a number")
        return part

    def _computed(self, node: ast.BinOp) -> Part:
        operation, sign = _ARITHMETIC[type(node.op)]
        one, other = self._number(node.left), self._number(node.right)
        sql = f"({one.sql} {sign} {other.sql})"
        if operation == programs.DIVIDE:
            sql = f"({one.sql} / nullIf({other.sql}, 0))"
        return Part(NUMBER, (*one.code, *other.code, (operation, 0)), sql if one.sql and other.sql else "")

    def _constant(self, node: ast.Constant) -> Part:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(node, f"{_shown(node)} is no number")
        if not abs(value) <= 1e15:
            raise self._error(node, f"{_shown(node)} is beyond 10^15")
        return Part(NUMBER, ((programs.CONSTANT, float(value)),), f"toFloat64({float(value)!r})")

    def _field(self, node: ast.Name) -> Part:
        if node.id in self._extra:
            place, field = self._extra[node.id]
        elif node.id in PLACES:
            place = PLACES[node.id]
            field = FIELDS[place]
        else:
            raise self._error(node, f"'{node.id}' is no field{_nearest(node.id, [*PLACES, *self._extra])}")
        return Part(field.type, ((programs.FIELD, float(place)),), field.sql, field)


def called(words: tuple[str, ...]) -> list[str]:
    """The words of a field as a condition writes them: the empty one is none."""
    return [word or ("none" if "none" not in words else "unknown") for word in words]


def _joined(parts: list[Part], operation: int, sql: str) -> Part:
    code = list(parts[0].code)
    for part in parts[1:]:
        code += [*part.code, (operation, 0)]
    known = all(part.sql for part in parts)
    text = parts[0].sql if len(parts) == 1 else "(" + f" {sql} ".join(part.sql for part in parts) + ")"
    return Part(TRUTH, tuple(code), text if known else "")


def _shown(node: ast.AST) -> str:
    return ast.unparse(node)[:60]


def _alike(one: str, other: str) -> float:
    """The share of pairs of letters that two names have in common (Dice 1945)."""
    pairs = [{text[i : i + 2] for i in range(len(text) - 1)} for text in (one, other)]
    return 2 * len(pairs[0] & pairs[1]) / max(1, len(pairs[0]) + len(pairs[1]))


def _nearest(name: str, known: list[str]) -> str:
    alike = sorted((-_alike(name, other), other) for other in known)
    near = [other for distance, other in alike[:3] if -distance >= _ALIKE]
    return f" (did you mean {' or '.join(near)}?)" if near else f" (fields are {', '.join(sorted(known))})"
