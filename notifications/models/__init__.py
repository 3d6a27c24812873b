"""The rows of the upper floor: what we told phones, and what we conclude."""

from notifications.models.alarms import AlarmState, FeedPace
from notifications.models.applications import (
    Allowance,
    App,
    Credential,
    SharedToken,
)
from notifications.models.attempts import Attempt
from notifications.models.audit import AuditEntry, Right
from notifications.models.beacons import BeaconCount, BeaconSecret
from notifications.models.builds import Build, Past, RegressionAlarm
from notifications.models.bulks import Bulk, BulkItem
from notifications.models.calls import Call, VerdictChange
from notifications.models.counts import CallCount, Size, WakeCount
from notifications.models.gateway import (
    ApiToken,
    Door,
    GatewayKey,
    KeptAnswer,
    Refusal,
    RefusalCount,
)
from notifications.models.ledgers import (
    Ledger,
    Looked,
    Reset,
    TokenHealth,
    TokenHealthChange,
)
from notifications.models.payloads import PayloadTemplate, Ringing
from notifications.models.people import Preference
from notifications.models.pushes import Push
from notifications.models.views import SavedView

__all__ = [
    "AlarmState",
    "Allowance",
    "ApiToken",
    "App",
    "Attempt",
    "AuditEntry",
    "BeaconCount",
    "BeaconSecret",
    "Build",
    "Bulk",
    "BulkItem",
    "Call",
    "CallCount",
    "Credential",
    "Door",
    "FeedPace",
    "GatewayKey",
    "KeptAnswer",
    "Ledger",
    "Looked",
    "Past",
    "PayloadTemplate",
    "Preference",
    "Push",
    "Refusal",
    "RefusalCount",
    "RegressionAlarm",
    "Reset",
    "Right",
    "Ringing",
    "SavedView",
    "SharedToken",
    "Size",
    "TokenHealth",
    "TokenHealthChange",
    "VerdictChange",
    "WakeCount",
]
