"""The one list of shapes. A new one is a function and a line."""

from typing import Final

from streams.delivery.shapes.customers import BRAZE, CUSTOMERIO, HUBSPOT, KLAVIYO, MAUTIC, SEGMENT
from streams.delivery.shapes.shape import Shape
from streams.delivery.shapes.slack import SLACK
from streams.delivery.shapes.webhooks import CLOUDEVENTS, N8N, STANDARD, ZAPIER

SHAPES: Final[dict[str, Shape]] = {
    shape.name: shape
    for shape in (
        STANDARD, CLOUDEVENTS, SEGMENT, CUSTOMERIO, BRAZE, KLAVIYO, HUBSPOT, MAUTIC, SLACK, N8N, ZAPIER,
    )
}  # fmt: skip
