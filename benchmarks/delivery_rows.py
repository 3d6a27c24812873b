"""The rows of the delivery benches. Importable only when Django is set up."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone

from notifications import outbox
from notifications.apns import Key, topic_of
from notifications.apns.provider_token import sign
from notifications.credentials import seal
from notifications.models import App, Credential, Push
from notifications.provider_tokens import SharedShelf
from registrations.models import Device, PushToken

BUNDLE_ID = "org.example.bench"


def ask(identity, port: int, count: int) -> None:
    """The rows of `count` VoIP pushes to as many tokens of one device."""
    Stage(identity, port).ask(count, "voip")


class Stage:
    """An app whose pushes go to `port`, and one device with all the tokens."""

    def __init__(self, identity, port: int) -> None:
        now = timezone.now()
        self._app = App.objects.create(bundle_id=BUNDLE_ID, name="Bench")
        Credential.objects.create(
            app=self._app,
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
        self._device = Device.objects.create(
            identity="bench",
            aor="sip:bench@example.org",
            bundle_id=BUNDLE_ID,
            first_seen_at=now,
            last_seen_at=now,
        )
        self._tokens = itertools.count()

    def ask(self, count: int, push_type: str) -> list[Push]:
        """Store so many pushes, each to a token of its own."""
        now = timezone.now()
        kind = "voip" if push_type == "voip" else "remote"
        tokens = PushToken.objects.bulk_create(
            PushToken(
                environment="production",
                bundle_id=BUNDLE_ID,
                kind=kind,
                token=f"{next(self._tokens):064x}",
                first_seen_at=now,
            )
            for _ in range(count)
        )
        return Push.objects.bulk_create(
            [self._push(token, push_type, now) for token in tokens], batch_size=1000
        )

    def _push(self, token: PushToken, push_type: str, now) -> Push:
        return Push(
            device=self._device,
            token=token,
            app=self._app,
            origin="command",
            push_type=push_type,
            environment="production",
            topic=topic_of(BUNDLE_ID, push_type),
            priority=10,
            payload={"aps": {}},
            call_id=f"bench-{token.pk}",
            created_at=now,
            due_at=now,
            expires_at=now + timedelta(hours=1),
        )

    def call(self) -> Push:
        """One VoIP push, its worker woken as `outbox` does."""
        (push,) = self.ask(1, "voip")
        self.wake("voip")
        return push

    def wake(self, push_type: str) -> None:
        outbox.wake(push_type)

    def waiting(self, push_type: str) -> int:
        """Pushes of a type that are under way."""
        states = ["queued", "sending"]
        return Push.objects.filter(push_type=push_type, state__in=states).count()

    def until_done(self, push_type: str) -> None:
        """Wake as beat would, until none of the type is under way."""
        while self.waiting(push_type):
            self.wake(push_type)
            time.sleep(0.05)

    def waits_ms(self, pushes: list[Push]) -> list[float]:
        """From stored to sent, of each that was sent."""
        found = Push.objects.filter(pk__in=[one.pk for one in pushes])
        rows = found.values_list("created_at", "sent_at")
        return [(sent - stored).total_seconds() * 1000 for stored, sent in rows]


def age_token(identity, minutes: int) -> None:
    """The shared provider token is there already, so many minutes old."""
    key = Key(identity.team_id, identity.key_id, identity.key_pem)
    issued_at = int((timezone.now() - timedelta(minutes=minutes)).timestamp())
    SharedShelf().put(key.name, sign(key, issued_at), None)


def wake() -> None:
    """What beat does each second."""
    outbox.wake("voip")


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
    """Counts of what was asked, received and recorded; those after `states` should be 0."""
    by_state: dict[str, set[str]] = {}
    for pk, state in Push.objects.values_list("pk", "state"):
        by_state.setdefault(state, set()).add(str(pk))
    unknown, accepted = (by_state.get(name, set()) for name in ("unknown", "accepted"))
    states = {state: len(ids) for state, ids in by_state.items()}
    return {
        "asked": sum(states.values()),
        "received": len(received),
        "delivered": len(delivered),
        "states": states,
        "under_way": sum(states.get(one, 0) for one in ("queued", "sending")),
        "twice": sum(count > 1 for count in delivered.values()),
        "accepted_undelivered": len(accepted - delivered.keys()),
        "delivered_untold": len(delivered.keys() - accepted - unknown),
        "unknown_unreceived": len(unknown - received.keys()),
    }
