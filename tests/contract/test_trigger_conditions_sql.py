"""A condition means the same to the engine, which fires at it, and in SQL, here of the instant that rows are of."""

import json
from random import Random
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
import pytest
from support.messages import policy, schemas, touchpoint
from support.random_logs import random_log
from support.shell import apply_all

from processors.judgements.standing import FIGURES
from processors.policy.policy import read_policy
from processors.triggers.conditions import called, parse
from processors.triggers.fields import FIELDS, NUMBER, TRUTH, VALUES, Field, properties
from processors.triggers.loading import fill_figures_of, fill_plain, fill_traits
from processors.triggers.programs import CONSTANT, STACK, holds
from streams.engine.partition import Partition
from streams.outputs.profiles import profiles_table
from streams.policies import preset
from streams.reports.sink import Sink

DECLARED: Final = {
    "plan": "string",
    "it's a \\ name": "string",
    "seats": "number",
    "score": "number",
    "beta": "boolean",
    "newsletter": "boolean",
}
TABLE: Final = "\n[properties]\n" + "".join(f"{json.dumps(name)} = '{kind}'\n" for name, kind in DECLARED.items())
OWN: Final = properties(DECLARED)
POLICY: Final = read_policy(preset("commerce").text + TABLE)
WORDS_TOLD: Final = ("gold", "it's \\ gold", "", "Gold", "größer")
NUMBERS_TOLD: Final = ("3", "-0.0", "2.5", "1e3", "0.1", "1000", "many", "")
REPORTED: Final = [field for field in FIELDS if field.sql]
NUMBERS: Final = [field for field in REPORTED if field.type == NUMBER]
WORDS: Final = [field for field in REPORTED if field.words]
TRUTHS: Final = [field for field in REPORTED if field.type == TRUTH]


def own(kind: str) -> list[str]:
    return [f"properties[{name!r}]" for name, each in DECLARED.items() if each == kind]


def number(random: Random, depth: int) -> str:
    if random.random() < 0.2:
        return random.choice(own("number"))
    if depth == 0 or random.random() < 0.3:
        return random.choice([random.choice(NUMBERS).name, random.choice(["0", "1", "2.5", "30", "1000", "0.1", "-7"])])
    if random.random() < 0.1:
        return f"-({number(random, depth - 1)})"
    return f"({number(random, depth - 1)} {random.choice('+-*/')} {number(random, depth - 1)})"


def word(random: Random, field: Field) -> str:
    return repr(random.choice(called(field.words)))


def condition(random: Random, depth: int) -> str:
    kind = random.randrange(9 if depth else 6)
    if kind == 4:
        name, told = random.choice(own("string")), [repr(random.choice(WORDS_TOLD)) for _ in range(2)]
        return f"{name} {random.choice([f'== {told[0]}', f'!= {told[0]}', f'in ({told[0]}, {told[1]})'])}"
    if kind == 5:
        name = random.choice(own("boolean"))
        return random.choice([name, f"not {name}", f"{name} == True", f"{name} == False", f"{name} != True"])
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
    if kind == 6:
        return f"not ({condition(random, depth - 1)})"
    joined = random.choice([" and ", " or "])
    return "(" + joined.join(condition(random, depth - 1) for _ in range(random.randint(2, 3))) + ")"


def whom(partition: Partition) -> Any:
    """Numbers of those who are customers: an id that leads to another one is none."""
    numbers = partition.numbers()
    return numbers[partition.rows(numbers).touchpoints > 0]


def values_of(partition: Partition, as_of: list[int]) -> Any:
    """The fields of every customer as the engine has them, at the instant that the reports have them of."""
    rows = partition.rows(whom(partition))
    figures = np.zeros(1, FIGURES).view(np.recarray)[0]
    values = np.full((len(rows), VALUES), np.nan)
    for row, at, line in zip(rows, as_of, values, strict=True):
        fill_plain(row, at, line)
        fill_traits(row, partition.policy.rules, line)
        fill_figures_of(row, partition.policy.rules, at, figures, line)
    return values


def answers(text: str, values: Any) -> list[bool]:
    code = parse(text, own=OWN).code
    numbers = np.array([operand for _, operand in code])
    program = np.array([op | (i if op == CONSTANT else int(operand)) << 8 for i, (op, operand) in enumerate(code)])
    stack = np.zeros(STACK)
    return [bool(holds(program.astype(np.int32), 0, len(program), numbers, line, stack)) for line in values]


def history(random: Random) -> Partition:
    partition = Partition(0, POLICY, schemas())
    log = random_log(random.randrange(1 << 30), 900, 60)
    apply_all(partition, *(each for each in log if each.value is None or each.value[:5] != policy("")[:5]))
    known = profiles_table(partition, whom(partition)).filter(pc.field("namespace") == "known")
    customers = known.column("customer_id").to_pylist()
    apply_all(partition, *(told(random, random.choice(customers), partition.time + i) for i in range(300)))
    return partition


def told(random: Random, who: str, at: int) -> bytes:
    """A touchpoint that tells something of a customer's own."""
    values = {"string": WORDS_TOLD, "number": NUMBERS_TOLD, "boolean": ("true", "FALSE", "no", "1", "perhaps")}
    some = random.sample(sorted(DECLARED), random.randint(0, 3))
    told = {random.choice(["", "traits."]) + name: random.choice(values[DECLARED[name]]) for name in some}
    told["context.consent.categoryPreferences"] = random.choice(['{"email":true}', '{"SMS":false,"email":true}', "{}"])
    kind = random.choice(["newsletter_subscribed", "unsubscribed", "signed_in", "signed_in"])
    return touchpoint(f"told-{at}", who, at, kind, properties=told)


@pytest.mark.slow
def test_engine_and_sql_agree_on_whom_a_condition_fits(sink: Sink) -> None:
    random = Random(15)
    partition = history(random)
    table = profiles_table(partition, whom(partition))
    sink.insert("profiles_raw", table)
    values = values_of(partition, table.column("as_of").cast("int64").to_pylist())
    texts = [f"{field.name} >= {field.name}" for field in NUMBERS]
    texts += [f"{field.name} == {called(field.words)[i]!r}" for field in WORDS for i in range(min(len(field.words), 6))]
    texts += [field.name for field in TRUTHS]
    texts += [f"{name} == {word!r}" for name in own("string") for word in WORDS_TOLD]
    texts += [f"{name} == {name}" for name in own("number")] + own("boolean")
    texts += [f"{name} == False" for name in own("boolean")]
    texts += [condition(random, 3) for _ in range(250)]
    order = table.column("customer_id").to_pylist()
    fitted, of_own = 0, 0
    for first in range(0, len(texts), 40):
        some = texts[first : first + 40]
        columns = ", ".join(f"toUInt8({parse(text, own=OWN).sql}) AS c{i}" for i, text in enumerate(some))
        rows = sink.query(f"SELECT customer_id, namespace, {columns} FROM profiles_published", {}).to_pylist()
        found = {(row["namespace"], row["customer_id"]): row for row in rows}
        whose = list(zip(table.column("namespace").to_pylist(), order, strict=True))
        for i, text in enumerate(some):
            expected = answers(text, values)
            assert [bool(found[who][f"c{i}"]) for who in whose] == expected, text
            fitted += sum(expected)
            of_own += sum(expected) if text.startswith("properties[") else 0
    assert fitted > len(texts)  # a test in which nothing ever holds would prove little
    assert of_own > 100


def test_every_number_of_the_engine_is_the_column_of_the_reports(sink: Sink) -> None:
    partition = history(Random(16))
    table = profiles_table(partition, whom(partition))
    sink.insert("profiles_raw", table)
    values = values_of(partition, table.column("as_of").cast("int64").to_pylist())
    columns = ", ".join(f"{field.sql} AS {field.name}_" for field in NUMBERS)
    rows = sink.query(f"SELECT customer_id, namespace, {columns} FROM profiles_published", {}).to_pylist()
    found = {(row["namespace"], row["customer_id"]): row for row in rows}
    whose = zip(table.column("namespace").to_pylist(), table.column("customer_id").to_pylist(), strict=True)
    for who, line in zip(whose, values, strict=True):
        for field in NUMBERS:
            ours, theirs = line[FIELDS.index(field)], found[who][f"{field.name}_"]
            assert (None if np.isnan(ours) else ours) == theirs, field.name
