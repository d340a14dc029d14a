"""A condition means the same to the engine, which fires at it, and in SQL, which counts whom it fits now."""

from random import Random
from typing import Any, Final

import numpy as np
from support.messages import policy, schemas
from support.random_logs import random_log
from support.shell import apply_all

from processors.judgements.standing import FIGURES
from processors.triggers.conditions import called, parse
from processors.triggers.fields import FIELDS, NUMBER, TRUTH, VALUES, Field
from processors.triggers.loading import fill_figures_of, fill_plain
from processors.triggers.programs import CONSTANT, STACK, holds
from streams.engine.partition import Partition
from streams.outputs.profiles import profiles_table
from streams.policies import preset
from streams.reports.sink import Sink

REPORTED: Final = [field for field in FIELDS if field.sql]
NUMBERS: Final = [field for field in REPORTED if field.type == NUMBER]
WORDS: Final = [field for field in REPORTED if field.words]
TRUTHS: Final = [field for field in REPORTED if field.type == TRUTH]


def number(random: Random, depth: int) -> str:
    if depth == 0 or random.random() < 0.3:
        return random.choice([random.choice(NUMBERS).name, random.choice(["0", "1", "2.5", "30", "1000", "0.1", "-7"])])
    if random.random() < 0.1:
        return f"-({number(random, depth - 1)})"
    return f"({number(random, depth - 1)} {random.choice('+-*/')} {number(random, depth - 1)})"


def word(random: Random, field: Field) -> str:
    return repr(random.choice(called(field.words)))


def condition(random: Random, depth: int) -> str:
    kind = random.randrange(7 if depth else 4)
    if kind == 0:
        sign = random.choice(["<", "<=", ">", ">=", "==", "!="])
        return f"{number(random, 2)} {sign} {number(random, 2)}"
    if kind == 1:
        field = random.choice(WORDS)
        return f"{field.name} {random.choice(['==', '!='])} {word(random, field)}"
    if kind == 2:
        field = random.choice(WORDS)
        some = ", ".join(word(random, field) for _ in range(random.randint(1, 3)))
        return f"{field.name} {random.choice(['in', 'not in'])} ({some},)"
    if kind == 3:
        return random.choice(TRUTHS).name
    if kind == 4:
        return f"not ({condition(random, depth - 1)})"
    joined = random.choice([" and ", " or "])
    return "(" + joined.join(condition(random, depth - 1) for _ in range(random.randint(2, 3))) + ")"


def whom(partition: Partition) -> Any:
    """Numbers of those who are customers: an id that leads to another one is none."""
    return np.flatnonzero(partition.rows(np.arange(partition.customers)).touchpoints > 0)


def values_of(partition: Partition, as_of: list[int]) -> Any:
    """The fields of every customer as the engine has them, at the instant that the reports have them of."""
    rows = partition.rows(whom(partition))
    figures = np.zeros(1, FIGURES).view(np.recarray)[0]
    values = np.full((len(rows), VALUES), np.nan)
    for row, at, line in zip(rows, as_of, values, strict=True):
        fill_plain(row, at, line)
        fill_figures_of(row, partition.policy.rules, at, figures, line)
    return values


def answers(text: str, values: Any) -> list[bool]:
    code = parse(text).code
    numbers = np.array([operand for _, operand in code])
    program = np.array([op | (i if op == CONSTANT else int(operand)) << 8 for i, (op, operand) in enumerate(code)])
    stack = np.zeros(STACK)
    return [bool(holds(program.astype(np.int32), 0, len(program), numbers, line, stack)) for line in values]


def history(random: Random) -> Partition:
    partition = Partition(0, preset("commerce"), schemas())
    log = random_log(random.randrange(1 << 30), 900, 60)
    apply_all(partition, *(each for each in log if each.value is None or each.value[:5] != policy("")[:5]))
    return partition


def test_engine_and_sql_agree_on_whom_a_condition_fits(sink: Sink) -> None:
    random = Random(15)
    partition = history(random)
    table = profiles_table(partition, whom(partition))
    sink.insert("profiles_raw", table)
    values = values_of(partition, table.column("as_of").cast("int64").to_pylist())
    texts = [f"{field.name} >= {field.name}" for field in NUMBERS]
    texts += [f"{field.name} == {called(field.words)[i]!r}" for field in WORDS for i in range(min(len(field.words), 6))]
    texts += [field.name for field in TRUTHS]
    texts += [condition(random, 3) for _ in range(250)]
    order = table.column("customer_id").to_pylist()
    fitted = 0
    for first in range(0, len(texts), 40):
        some = texts[first : first + 40]
        columns = ", ".join(f"toUInt8({parse(text).sql}) AS c{i}" for i, text in enumerate(some))
        rows = sink.query(f"SELECT customer_id, namespace, {columns} FROM profiles", {}).to_pylist()
        found = {(row["namespace"], row["customer_id"]): row for row in rows}
        whose = list(zip(table.column("namespace").to_pylist(), order, strict=True))
        for i, text in enumerate(some):
            expected = answers(text, values)
            assert [bool(found[who][f"c{i}"]) for who in whose] == expected, text
            fitted += sum(expected)
    assert fitted > len(texts)  # a test in which nothing ever holds would prove little


def test_every_number_of_the_engine_is_the_column_of_the_reports(sink: Sink) -> None:
    partition = history(Random(16))
    table = profiles_table(partition, whom(partition))
    sink.insert("profiles_raw", table)
    values = values_of(partition, table.column("as_of").cast("int64").to_pylist())
    columns = ", ".join(f"{field.sql} AS {field.name}_" for field in NUMBERS)
    rows = sink.query(f"SELECT customer_id, namespace, {columns} FROM profiles", {}).to_pylist()
    found = {(row["namespace"], row["customer_id"]): row for row in rows}
    whose = zip(table.column("namespace").to_pylist(), table.column("customer_id").to_pylist(), strict=True)
    for who, line in zip(whose, values, strict=True):
        for field in NUMBERS:
            ours, theirs = line[FIELDS.index(field)], found[who][f"{field.name}_"]
            assert (None if np.isnan(ours) else ours) == theirs, field.name
