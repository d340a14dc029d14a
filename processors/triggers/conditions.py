"""Conditions of rules: a small part of Python's expressions over the fields of a customer.

``purchases >= 2 and stage != "dissolution"``, ``1 < days_since_last_purchase <= 30``, ``not win_back``,
``value_tier in ("middle", "high")``, ``spend_minor / purchases > 5000``, ``properties.plan == "gold"``. Of what is not
known nothing is true: neither ``days_since_last_purchase > 30`` nor ``<= 30`` of somebody who never bought. One tree
becomes a program for the engine and an expression of ClickHouse; both compute in double precision, in the same order.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from processors.triggers import programs
from processors.triggers.fields import (
    AFFECTION_PLACES,
    FIELDS,
    NUMBER,
    PLACES,
    PLAIN,
    TEXT,
    TRUTH,
    WORD,
    Field,
    quoted,
)
from processors.triggers.traits import value_of_text

_ALIKE: Final = 0.6
_OWN: Final = "properties."
_LINES: Final = {ord("\n"): " ", ord("\r"): " "}
ASKS_FIGURES: Final = 1
ASKS_AFFECTION: Final = 2
Places = Mapping[str, tuple[int, Field]]
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
    asks: int
    """Beside what a row tells at once, bits: 1: the numbers of judgements.standing, 2: of these alone those of
    fields.AFFECTION."""
    plain: int = 0
    """Of what a row tells at once the places that are asked, bits."""


ALWAYS: Final = Condition((), "1", asks=0)


def parse(text: str, extra: Places | None = None, own: Places | None = None) -> Condition:
    """A condition; ``extra``: fields that only this rule has, and their places; ``own``: properties of the customer.

    Raises ConditionError.
    """
    if len(text) > LONGEST:
        raise ConditionError(f"has {len(text)} characters; {LONGEST} are the most", LONGEST)
    try:
        # A long one may stand on several lines, which Python's grammar allows within parentheses alone.
        tree = ast.parse(text.translate(_LINES), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = (error.offset or len(text) + 1) if isinstance(error, SyntaxError) else 1
        reason = error.msg if isinstance(error, SyntaxError) else "it is nested too deeply"
        raise ConditionError(f"is no condition: {reason}", column) from error
    reader = _Reader(text, extra or {}, own or {})
    try:
        part = reader.truth(tree)
    except RecursionError as error:
        raise ConditionError("is no condition: it is nested too deeply", 1) from error
    if programs.depth_of([operation for operation, _ in part.code]) > programs.STACK:
        raise ConditionError("is nested too deeply", 1)
    used = {int(place) for operation, place in part.code if operation == programs.FIELD}
    some = [FIELDS[place] for place in used if place < len(FIELDS)]
    plain = sum(1 << place for place in used if place < len(PLAIN))
    affection = bool(used & set(AFFECTION_PLACES))
    figures = any(field.figures and PLACES[field.name] not in AFFECTION_PLACES for field in some)
    asks = ASKS_AFFECTION * affection | ASKS_FIGURES * figures
    return Condition(part.code, part.sql, asks, plain)


class _Reader:
    def __init__(self, text: str, extra: Places, own: Places) -> None:
        self._text, self._extra, self._own = text, extra, own

    def _error(self, node: ast.AST, message: str, at: int | None = None) -> ConditionError:
        # Python counts bytes of UTF-8, people count characters.
        offset = int(getattr(node, "col_offset", 0)) if at is None else at
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
        for asked, literal in ((left, right), (right, left)):
            if isinstance(literal, ast.Constant) and isinstance(literal.value, bool):
                return self._truly(asked, literal, operation)
        if isinstance(left, ast.Constant) and isinstance(left.value, str):
            if isinstance(right, ast.Constant):
                raise self._error(left, "two constants are compared")
            return self._word(right, left, operation)
        if isinstance(right, ast.Constant) and isinstance(right.value, str):
            return self._word(left, right, operation)
        one, other = self._operand(left), self._operand(right)
        for node, part in ((left, one), (right, other)):
            if part.type == TEXT:
                raise self._error(node, f"{_shown(node)} is a text: it is compared by ==, != and in with one in quotes")
            if part.type != NUMBER:
                raise self._error(node, f"{_shown(node)} is {part.type}: expected a number")
        code = (*other.code, *one.code) if turned else (*one.code, *other.code)
        sql = f"ifNull({one.sql} {sign} {other.sql}, 0)" if one.sql and other.sql else ""
        return Part(TRUTH, (*code, (operation, 0)), sql)

    def _truly(self, node: ast.expr, literal: ast.Constant, operation: int) -> Part:
        """A truth against true or false. Of a property that is not known neither holds."""
        part = self._operand(node)
        if part.type != TRUTH:
            raise self._error(literal, f"{_shown(node)} is {part.type}, and not true or false")
        if operation not in (programs.EQUAL, programs.UNEQUAL):
            raise self._error(literal, f"{_shown(node)} is true or false: expected == or !=")
        known = part.field is not None and part.field.name.startswith(_OWN)
        code = part.code[:1] if known else part.code
        sql = part.field.sql if known and part.field is not None else part.sql
        sign = "=" if operation == programs.EQUAL else "!="
        told = f"ifNull({sql} {sign} {int(literal.value is True)}, 0)" if sql else ""
        return Part(TRUTH, (*code, (programs.CONSTANT, float(literal.value is True)), (operation, 0)), told)

    def _own_text(self, part: Part, literal: ast.Constant, operation: int) -> Part:
        """A property against a text."""
        assert part.field is not None
        if operation not in (programs.EQUAL, programs.UNEQUAL):
            raise self._error(literal, f"{part.field.name} is a text: expected ==, != or in")
        try:
            value = value_of_text(str(literal.value))
        except UnicodeEncodeError as error:
            raise self._error(literal, f"{_shown(literal)} is no text of Unicode") from error
        sign = "=" if operation == programs.EQUAL else "!="
        hashed = f"toFloat64(bitShiftRight(xxHash64({quoted(str(literal.value))}), 11))"
        sql = f"ifNull({part.sql} {sign} {hashed}, 0)"
        return Part(TRUTH, (*part.code, (programs.CONSTANT, value), (operation, 0)), sql)

    def _word(self, node: ast.expr, literal: ast.Constant, operation: int) -> Part:
        part = self._operand(node)
        if part.type == TEXT:
            return self._own_text(part, literal, operation)
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
        if isinstance(node, ast.Attribute | ast.Subscript):
            return self._property(node)
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

    def _property(self, node: ast.Attribute | ast.Subscript) -> Part:
        """``properties.plan`` or ``properties['loyalty tier']``."""
        name: object
        if isinstance(node, ast.Attribute):
            name, at = node.attr, int(node.end_col_offset or 0) - len(node.attr.encode())
        else:
            name = node.slice.value if isinstance(node.slice, ast.Constant) else None
            at = int(node.slice.col_offset)
        if not isinstance(node.value, ast.Name) or node.value.id != "properties" or not isinstance(name, str):
            raise self._error(node, f"{_shown(node)} can't stand in a condition: expected such as properties.plan")
        if name not in self._own:
            known = _nearest(name, [*self._own]) if self._own else ": none is declared in [properties]"
            raise self._error(node, f"'{name}' is no property of this policy{known}", at)
        place, field = self._own[name]
        code = ((programs.FIELD, float(place)),)
        if field.type != TRUTH:
            return Part(field.type, code, field.sql, field)
        is_true = (*code, (programs.CONSTANT, 1.0), (programs.EQUAL, 0.0))
        return Part(TRUTH, is_true, f"ifNull({field.sql} = 1, 0)", field)

    def _field(self, node: ast.Name) -> Part:
        if node.id in self._extra:
            place, field = self._extra[node.id]
        elif node.id in PLACES:
            place = PLACES[node.id]
            field = FIELDS[place]
        elif node.id == "let_go":
            raise self._error(node, "let_go is a list of reasons: expected such as 'deal_seeker' in let_go")
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
    return f" (did you mean {' or '.join(near)}?)" if near else f" (one of {', '.join(sorted(known))})"
