"""What rules of the policy cost: CPU an event with those of a preset, and without any, in one run."""

from statistics import median
from typing import Final

from support.rules import BASE

from benchmarks.engine import cpu_per_event
from benchmarks.report import Figure
from benchmarks.workload import fetches, table
from processors.policy.policy import Policy, read_policy
from schemas.known import look_up_all
from schemas.registry import FileRegistry
from streams.engine.partition import Partition
from streams.policies import preset

ROUNDS: Final = 7
EVENTS: Final = 400_000
CUSTOMERS: Final = 8_000


def with_and_without() -> list[Figure]:
    """The rounds of both interleaved; facts are counted, and not written, in either."""
    some = fetches(table(EVENTS, CUSTOMERS, 1))
    policies = {"without": read_policy(BASE), "with": preset("commerce")}
    costs: dict[str, list[float]] = {name: [] for name in policies}
    for policy in policies.values():
        cpu_per_event(_partition(policy), some[:1])
    for _ in range(ROUNDS):
        for name, policy in policies.items():
            costs[name].append(cpu_per_event(_partition(policy), some))
    ratio = median(little / much for little, much in zip(costs["without"], costs["with"], strict=True))
    rules = len(policies["with"].triggers)
    return [
        Figure("CPU per event without rules", median(costs["without"]), "ns"),
        Figure(f"  with the {rules} rules of a preset", median(costs["with"]), "ns"),
        Figure("  events/s of one core, of those without", ratio, "x", at_least=0.85),
    ]


def _partition(policy: Policy) -> Partition:
    return Partition(0, policy, look_up_all(FileRegistry()), collect=False)


if __name__ == "__main__":
    for figure in with_and_without():
        print(figure.line(), flush=True)
