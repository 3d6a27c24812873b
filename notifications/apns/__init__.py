"""APNs: a push in, a true result out. Knows nothing of Django; asyncio lives here alone."""

from . import threads
from .answer import REASONS, Outcome, Reason, Result, result_of
from .client import PRODUCTION, SANDBOX, Client, Key, Server
from .errors import ApnsError, BadPush, Lost, NotProcessed
from .push import (
    ApnsPush,
    alert_payload,
    background_payload,
    priority_of,
    topic_of,
    voip_payload,
)

__all__ = [
    "PRODUCTION",
    "REASONS",
    "SANDBOX",
    "ApnsError",
    "ApnsPush",
    "BadPush",
    "Client",
    "Key",
    "Lost",
    "NotProcessed",
    "Outcome",
    "Reason",
    "Result",
    "Server",
    "alert_payload",
    "background_payload",
    "priority_of",
    "result_of",
    "threads",
    "topic_of",
    "voip_payload",
]
