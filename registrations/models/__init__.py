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
    LogFile,
    Malformed,
    Reading,
    Rejected,
    RoundPage,
)
from registrations.models.history import PushLine, Registration, Sighting

__all__ = [
    "Device",
    "DeviceEvent",
    "Environment",
    "Feed",
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
