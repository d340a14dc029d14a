"""The one list of outputs. Both shells walk it, and the topics of outputs are declared from it."""

from typing import Final

from streams.outputs.identities import IDENTITIES
from streams.outputs.judgements import JUDGEMENTS
from streams.outputs.output import Output
from streams.outputs.policies import POLICIES
from streams.outputs.profiles import PROFILES
from streams.outputs.rejects import REJECTS
from streams.outputs.touchpoints import TOUCHPOINTS
from streams.outputs.transitions import TRANSITIONS
from streams.outputs.triggers import TRIGGERS

# In the order in which they are stored and said: what somebody waits for before what is only looked up.
OUTPUTS: Final[tuple[Output, ...]] = (
    TOUCHPOINTS,
    POLICIES,
    IDENTITIES,
    TRANSITIONS,
    JUDGEMENTS,
    REJECTS,
    PROFILES,
    TRIGGERS,
)
SPOKEN: Final = tuple(output for output in OUTPUTS if output.topic is not None)
