"""The rows of the delivery benches. Importable only when Django is set up."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from django.utils import timezone

from notifications import outbox, tasks
from notifications.credentials import seal
from notifications.models import App, Credential, Push
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


def wake() -> None:
    """What beat does each second."""
    outbox.wake(tasks.wake_voip)


def queued() -> int:
    """Pushes no worker has claimed yet."""
    return Push.objects.filter(state=Push.State.QUEUED).count()


def under_way() -> int:
    """Pushes not in a final state."""
    return Push.objects.filter(state__in=["queued", "sending"]).count()


def compare(received: Counter[str]) -> dict:
    """Counts of what was asked, received and recorded; `ok` when none is wrong."""
    by_state: dict[str, set[str]] = {}
    for pk, state in Push.objects.values_list("pk", "state"):
        by_state.setdefault(state, set()).add(str(pk))
    unknown, accepted = (by_state.get(name, set()) for name in ("unknown", "accepted"))
    wrong = {
        "under_way": sum(len(by_state.get(one, ())) for one in ("queued", "sending")),
        "twice": sum(count > 1 for count in received.values()),
        "accepted_unreceived": len(accepted - received.keys()),
        "unknown_unreceived": len(unknown - received.keys()),
        "received_untold": len(received.keys() - accepted - unknown),
    }
    states = {state: len(ids) for state, ids in by_state.items()}
    told = {"asked": sum(states.values()), "received": len(received), "states": states}
    return {**told, **wrong, "ok": not any(wrong.values())}
