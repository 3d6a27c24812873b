"""A house with something on every page: strikes, problems, failures, people's doings."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from notifications.beacon_secrets import count, make_secret
from notifications.handling import settle
from notifications.models import Attempt, AuditEntry, Bulk, BulkItem, Push, TokenHealth
from registrations.models import Device, DeviceEvent, Malformed
from tests import factories
from tests.notifications.people import credential_of
from tests.notifications.test_lanes import registered

#: As the parser says it.
SAID = "'pn-param' declares 2 service(s), 'pn-prid' holds 1 token(s)"
AGENT = "LinphoneiOS/5.2.4 (iPhone 15 Pro) LinphoneSDK/5.3.74 (release)"
ALL = (
    "see",
    "resend",
    "reset_strikes",
    "manage_credentials",
    "change_policy",
    "manage_users",
    "export",
    "reveal",
)

#: Rules that the what-if page is asked to try.
OTHER_RULES = (
    "threshold=5&wake_window=60&grace=5&late_window=90&reach_window=900"
    "&foreground_window=20&release_after=86400&since=30d"
)


def furnished() -> Push:
    """Everything; the newest unhandled push of the phone with two strikes."""
    now = timezone.now()
    credential_of(factories.app())
    feed = factories.feed(seen_until=now, path="/var/log/flexisip/flexisip-proxy.log")
    factories.feed("xlog", seen_until=now, has_assumed=True)
    device = _troubled(now, feed)
    pushes = [_unhandled(device, now, minutes) for minutes in (30, 20)]
    _rejected(device, now)
    silent = factories.registered_device("sip:carol@example.org")
    _unhandled(silent, now, 15)
    _malformed(feed, now)
    make_secret(factories.app(), now)
    count(factories.app(), "forged", now)
    settle(now)
    _resent(pushes[0], now)
    _reset(device, now)
    AuditEntry.objects.create(
        at=now,
        actor_name="anna",
        action="push.test",
        subject=device.aor,
        reason="ticket 4711",
    )
    return pushes[-1]


def _resent(push: Push, now) -> None:
    bulk = Bulk.objects.create(
        id=uuid.UUID(int=1),
        created_at=now,
        starts_at=now,
        by=User.objects.create_user("mira"),
        kind="alert",
        address="outcome=lost",
        rate=10,
    )
    BulkItem.objects.create(bulk=bulk, push=push, push_type="alert")
    BulkItem.objects.create(
        bulk=bulk, push=push, push_type="voip", result="refused", why="Too late"
    )


def _reset(device: Device, now) -> None:
    bulk = Bulk.objects.create(
        id=uuid.UUID(int=2),
        created_at=now,
        starts_at=now,
        by=User.objects.get(username="mira"),
        kind="reset",
        address="q=strikes%3A%3E%3D1",
        reason="ticket 4711",
        rate=10,
    )
    BulkItem.objects.create(bulk=bulk, device=device)
    BulkItem.objects.create(
        bulk=bulk, device=device, result="refused", why="It has no strikes"
    )


def _malformed(feed, now) -> None:
    Malformed.objects.create(
        feed=feed,
        rule="token_count",
        app="LinphoneiOS/5.2.0",
        detail=SAID,
        flexisip="Failed to create push notification (skip): …",
        first_seen_at=now - timedelta(days=3),
        last_seen_at=now,
        count=1284,
        example="REGISTER sip:example.org SIP/2.0\nContact: <sip:a@192.0.2.1;x=y>\n"
        * 9,
    )


def _troubled(now, feed) -> Device:
    device = factories.registered_device("sip:bartholomew.longname@voice.example.org")
    device.contact += (
        ";pn-provider=apns.dev;pn-prid=" + "ab" * 32 + ":voip;x=" + "y" * 90
    )
    device.user_agent = AGENT
    device.problems = [{"rule": "token_count", "detail": SAID}]
    device.assumed = True
    device.save()
    registered(device, feed, now - timedelta(minutes=50))
    DeviceEvent.objects.create(
        device=device,
        kind="reinstalled",
        moment=now - timedelta(minutes=55),
        feed=feed,
        position=1,
    )
    factories.sighting(device, now - timedelta(minutes=25), feed=feed)
    return device


def _unhandled(device: Device, now, minutes: int) -> Push:
    push = factories.accepted_push(device, now - timedelta(minutes=minutes))
    push.payload = {"aps": {"sound": "", "badge": 1}, "from-uri": "sip:bob@example.org"}
    push.save(update_fields=["payload"])
    _attempt(push, "accepted", 200, "")
    return push


def _rejected(device: Device, now) -> None:
    push = factories.accepted_push(
        device, now - timedelta(minutes=5), push_type="alert", state="rejected"
    )
    Push.objects.filter(pk=push.pk).update(reason="BadDeviceToken")
    _attempt(push, "rejected", 400, "BadDeviceToken")
    TokenHealth.objects.create(
        token=push.token, state="quarantined", reason="BadDeviceToken", at=now
    )


def _attempt(push: Push, outcome: str, status: int, reason: str) -> None:
    Attempt.objects.create(
        push=push,
        number=1,
        started_at=push.sent_at,
        ended_at=push.sent_at,
        outcome=outcome,
        status=status,
        reason=reason,
        apns_id=str(push.pk),
        latency_ms=12.5,
    )


def paths(push: Push) -> list[str]:
    """The addresses of all pages and tabs that show something."""
    return [
        "/",
        "/devices/",
        "/devices/?q=state:not_waking+strikes:>=1",
        "/devices/?sort=aor&rows=25&col=app&col=strikes",
        "/pushes/?sort=oldest&col=time&col=strikes",
        "/devices/?q=stat:suspected",
        "/devices/?q=nobody-is-called-so",
        f"/devices/{push.device_id}/",
        "/pushes/",
        "/pushes/?outcome=rejected",
        "/pushes/?from=2026-01-01T00:00Z&zone=Europe/Paris",
        "/failures/?from=2026-01-01T00:00Z&to=2036-01-01T00:00Z",
        f"/pushes/{push.pk}/",
        f"/pushes/{push.pk}/case",
        f"/pushes/compare/?push={push.pk}&push={Push.objects.exclude(pk=push.pk)[0].pk}",
        "/pushes/compare/",
        "/pushes/resend/?all=1&kind=same",
        "/pushes/resend/",
        f"/bulks/{uuid.UUID(int=1)}/",
        f"/bulks/{uuid.UUID(int=2)}/",
        "/devices/many/?all=1&kind=reset&q=strikes:>=1",
        "/devices/many/?all=1&kind=test&q=",
        "/devices/many/",
        "/fleet/",
        "/fleet/?by=ios&span=24h",
        "/failures/",
        "/failures/?q=-reason:BadDeviceToken+-outcome:asleep",
        "/failures/?q=-resaon:x",
        "/failures/?tab=deliveries",
        "/failures/?tab=deliveries&q=outcome:asleep+hour:>=0",
        "/settings/sources/try/",
        f"/devices/{push.device_id}/?at=soon",
        "/failures/?tab=activity",
        "/audit/",
        "/audit/?q=action:push.resend+nobody",
        "/failures/?tab=refused",
        "/failures/?tab=activity&q=whom:anna",
        "/malformed/",
        "/malformed/?q=nothing-is-called-so",
        "/settings/",
        "/time-zone/",
        "/password/",
        f"/settings/apps/{push.app_id}/what-if/?{OTHER_RULES}",
        "/nothing-here/",
    ]
