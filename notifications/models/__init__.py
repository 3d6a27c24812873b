"""The rows of the upper floor: what we told phones, and what we conclude."""

from notifications.models.applications import App, Credential
from notifications.models.audit import AuditEntry, Right
from notifications.models.ledgers import Ledger, Reset, TokenHealth
from notifications.models.pushes import Attempt, Call, Push

__all__ = [
    "App",
    "Attempt",
    "AuditEntry",
    "Call",
    "Credential",
    "Ledger",
    "Push",
    "Reset",
    "Right",
    "TokenHealth",
]
