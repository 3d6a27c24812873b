"""The rows of the ground floor: what phones told us, and where we read it."""

from registrations.models.devices import (
    Device,
    DeviceEvent,
    Holding,
    PushToken,
    masked,
)
from registrations.models.environments import Environment
from registrations.models.feeds import (
    Feed,
    Gap,
    LogFile,
    Malformed,
    Reading,
    Rejected,
    RoundPage,
)
from registrations.models.history import PushLine, Registration, Sighting
from registrations.models.lookups import Among, Head, agent_heads

__all__ = [
    "agent_heads",
    "Among",
    "Device",
    "DeviceEvent",
    "Environment",
    "Feed",
    "Gap",
    "Head",
    "Holding",
    "LogFile",
    "Malformed",
    "PushLine",
    "PushToken",
    "Reading",
    "Registration",
    "Rejected",
    "RoundPage",
    "Sighting",
    "masked",
]
