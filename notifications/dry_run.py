"""Tries a credential against APNs without ringing anybody: a token of zeros, well-formed and
nobody's. What APNs complains of first tells key, team and topic apart.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext

from notifications.apns import (
    REASONS,
    ApnsPush,
    Client,
    Outcome,
    Result,
    priority_of,
    threads,
    topic_of,
)
from notifications.clients import client_for, let_go
from notifications.credentials import CredentialError
from notifications.models import Credential, Push

NOBODY = "00" * 32
DEADLINE_SECONDS, SLACK_SECONDS = 10.0, 5.0
#: APNs looked at the token, so key, team and topic had passed.
TOKEN_REFUSED = frozenset({"BadDeviceToken", "DeviceTokenNotForTopic", "Unregistered"})
TYPES = (Push.Type.VOIP, Push.Type.ALERT)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one topic was answered: whether pushes to it would work, and why not."""

    topic: str
    is_ok: bool
    words: str


def dry_run(credential: Credential, now: datetime) -> list[Finding]:
    """Ask APNs about both topics of the credential's app. Blocks for 20 s at most."""
    pushes = [_push(credential, push_type, now) for push_type in TYPES]
    try:
        client = client_for(credential)
    except CredentialError as error:
        return [Finding(push.topic, False, str(error)) for push in pushes]
    try:
        return [finding_of(push.topic, _answer(client, push)) for push in pushes]
    finally:
        let_go(credential.pk)


def _answer(client: Client, push: ApnsPush) -> Result:
    patience = DEADLINE_SECONDS + SLACK_SECONDS
    result = threads.run(client.send(push, DEADLINE_SECONDS), patience)
    if result.is_renewed:
        result = threads.run(client.send(push, DEADLINE_SECONDS), patience)
    return result


def finding_of(topic: str, result: Result) -> Finding:
    """Read one answer."""
    if result.outcome == Outcome.ACCEPTED or result.reason in TOKEN_REFUSED:
        return Finding(topic, True, gettext("APNs accepts key, team and topic"))
    reason = REASONS.get(result.reason)
    if reason is None:
        return Finding(topic, False, result.reason or result.detail)
    meaning, remedy = gettext(reason.meaning), gettext(reason.remedy)
    return Finding(topic, False, f"{reason.name}: {meaning} {remedy}")


def _push(credential: Credential, push_type: str, now: datetime) -> ApnsPush:
    return ApnsPush(
        token=NOBODY,
        topic=topic_of(credential.app.bundle_id, push_type),
        push_type=push_type,
        priority=priority_of(push_type),
        expiration=now + timedelta(seconds=DEADLINE_SECONDS),
        apns_id=str(uuid.uuid4()),
        collapse_id="",
        payload={"aps": {}},
    )
