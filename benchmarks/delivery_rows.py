"""The rows of the delivery benches. Importable only when Django is set up."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from notifications import outbox, tasks
from notifications.apns import Key
from notifications.apns.provider_token import sign
from notifications.credentials import seal
from notifications.models import App, Credential, Push
from notifications.provider_tokens import SharedShelf
from registrations.models import Device, PushToken

BUNDLE_ID = "org.example.bench"


def ask(identity, port: int, count: int) -> None:
    """The rows of `count` VoIP pushes to as many tokens of one device."""
    now = timezone.now()
    app = App.objects.create(bundle_id=BUNDLE_ID, name="Bench")
    Credential.objects.create(
        app=app,
        environment="production",
        team_id=identity.team_id,
        key_id=identity.key_id,
        sealed_key=seal(identity.key_pem),
        server="other",
        host="localhost",
        port=port,
        ca_pem=identity.ca_pem,
        created_at=now,
    )
    device = Device.objects.create(
        identity="bench",
        aor="sip:bench@example.org",
        bundle_id=BUNDLE_ID,
        first_seen_at=now,
        last_seen_at=now,
    )
    tokens = PushToken.objects.bulk_create(
        PushToken(
            environment="production",
            bundle_id=BUNDLE_ID,
            kind="voip",
            token=f"{number:064x}",
            first_seen_at=now,
        )
        for number in range(count)
    )
    Push.objects.bulk_create(
        (
            Push(
                device=device,
                token=token,
                app=app,
                origin="command",
                push_type="voip",
                environment="production",
                topic=f"{BUNDLE_ID}.voip",
                priority=10,
                payload={"aps": {}},
                call_id=f"bench-{number}",
                created_at=now,
                due_at=now,
                expires_at=now + timedelta(hours=1),
            )
            for number, token in enumerate(tokens)
        ),
        batch_size=1000,
    )


def age_token(identity, minutes: int) -> None:
    """The shared provider token is there already, so many minutes old."""
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    issued_at = int((timezone.now() - timedelta(minutes=minutes)).timestamp())
    SharedShelf().put(key.name, sign(key, issued_at), None)


def wake() -> None:
    """What beat does each second."""
    outbox.wake(tasks.wake_voip)


def queued() -> int:
    """Pushes no worker has claimed yet."""
    return _count(state=Push.State.QUEUED, attempt_count=0)


def under_way() -> int:
    """Pushes not in a final state; some, while the database is away."""
    return _count(state__in=["queued", "sending"])


def _count(**wanted) -> int:
    try:
        return Push.objects.filter(**wanted).count()
    except DatabaseError:
        connection.close()
        return 1


def is_paused() -> bool:
    """The breaker has opened."""
    return Credential.objects.exclude(paused_until=None).exists()


def end_pause() -> None:
    """One push may try again at once."""
    Credential.objects.update(paused_until=timezone.now())


def compare(received: Counter[str], delivered: Counter[str]) -> dict:
    """Counts of what was asked, received and recorded; `ok` when none is wrong."""
    by_state: dict[str, set[str]] = {}
    for pk, state in Push.objects.values_list("pk", "state"):
        by_state.setdefault(state, set()).add(str(pk))
    unknown, accepted = (by_state.get(name, set()) for name in ("unknown", "accepted"))
    wrong = {
        "under_way": sum(len(by_state.get(one, ())) for one in ("queued", "sending")),
        "twice": sum(count > 1 for count in delivered.values()),
        "accepted_undelivered": len(accepted - delivered.keys()),
        "unknown_unreceived": len(unknown - received.keys()),
        "delivered_untold": len(delivered.keys() - accepted - unknown),
    }
    states = {state: len(ids) for state, ids in by_state.items()}
    seen = {"received": len(received), "delivered": len(delivered)}
    asked = sum(states.values())
    return {
        "asked": asked,
        **seen,
        "states": states,
        **wrong,
        "ok": not any(wrong.values()),
    }
