"""What of the compiled loop a second process can compile while the first one is at another part of it."""

from collections.abc import Iterable

from processors.compiled import compile_for
from processors.policy.policy import Policy
from schemas.known import Known
from streams.engine import cursor as cursors
from streams.engine.linking import apply_link
from streams.engine.partition import Partition
from streams.log.batches import Fetch, read_batches


class _Apart(Partition):
    """Is handed whatever the loop would be handed, of the same types, and compiles instead."""

    def _run(self, fetch: Fetch, cursor: cursors.Cursor) -> int:
        offset, how, start, length = 0, 0, 0, 0
        rules, out = self.policy.rules, self._out
        compile_for(apply_link, fetch.buffer, self.table, rules, out, cursor, offset, how, start, length)
        return cursors.STATUS_FINISHED


def compile_links(policy: Policy, schemas: Iterable[Known]) -> None:
    """Compile what applies a link, to which the loop comes last: a fifth of all compiling, rules and merges included.

    Parts of it the loop has in common with what applies a tick, which is where the other process begins. Either may
    compile them; the code is the same.
    """
    _Apart(0, policy, schemas).apply(read_batches(b"", 0))
