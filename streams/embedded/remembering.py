"""How many event identities a log remembers: told when it is made, and kept, or a replay would recognise others."""

from typing import Final

from streams.embedded.log import Log
from streams.engine.window import WINDOW
from streams.log.messages import TOUCHPOINTS_TOPIC

_SETTING: Final = "window"
_PARTITION: Final = 0


def window_of(log: Log, wanted: int = WINDOW) -> int:
    """The size of the window of a log: ``wanted`` where it is new, WINDOW where it is from before windows."""
    kept = log.setting(_SETTING)
    if kept is None:
        kept = str(wanted if log.end_offset(TOUCHPOINTS_TOPIC, _PARTITION) == 0 else WINDOW)
        with log.transaction():
            log.put_setting(_SETTING, kept)
    return int(kept)
