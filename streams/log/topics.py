"""The topic that the engine reads."""

from typing import Final

TOUCHPOINTS_TOPIC: Final = "relasi.touchpoints.v1"
