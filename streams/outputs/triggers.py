"""What rules of the policy ask to be sent. There are no rules yet; the topic and its record are there for them."""

from typing import Final

from streams.outputs.output import Output, Topic

TOPIC: Final = Topic("triggers.v1", "Trigger")
TRIGGERS: Final = Output("triggers", TOPIC)
