"""APNs: a push in, a true result out. Knows nothing of Django; asyncio lives here alone."""

from . import threads
from .answer import REASONS, Kind, Outcome, Reason, Result, result_of
from .client import PRODUCTION, SANDBOX, Client, Server
from .errors import ApnsError, BadPush, Lost, NotProcessed
from .proof import Certificate
from .provider_token import Key, ProviderToken, ProviderTokens, Shelf
from .push import LIMITS, ApnsPush, priority_of, topic_of
from .tunnel import Proxy

__all__ = [
    "LIMITS",
    "PRODUCTION",
    "REASONS",
    "SANDBOX",
    "ApnsError",
    "ApnsPush",
    "BadPush",
    "Certificate",
    "Client",
    "Key",
    "Kind",
    "Lost",
    "NotProcessed",
    "Outcome",
    "ProviderToken",
    "ProviderTokens",
    "Proxy",
    "Reason",
    "Result",
    "Server",
    "Shelf",
    "priority_of",
    "result_of",
    "threads",
    "topic_of",
]
