"""The product's side of `bin/bench risk`: it reads logs, is told of pushes, and settles, by a
clock it is given. It knows nothing of the truth.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db.models import Count

from benchmarks.risk_score import Move
from notifications import handling
from notifications.models import App, Call, Ledger, Push
from registrations.feeds import Told, close_feed
from registrations.following import Follower
from registrations.models import Device, PushToken
from registrations.sources.named import Log
from simulator.ordeal import Ring
from simulator.phone import Phone

LIFE = timedelta(seconds=30)


class Product:
    """Followers, one a log; devices and tokens it knows; the moves of its ledgers."""

    def __init__(self, bundle_id: str, **policy: object) -> None:
        self.now: datetime | None = None
        self.moves: list[Move] = []
        self._app = App.objects.create(bundle_id=bundle_id, name="App", **policy)
        self._followers: dict[str, Follower] = {}
        self._devices: dict[tuple[str, str], int] = {}
        self._tokens: dict[str, int] = {}
        self._pushes: list[Push] = []

    def read(self, name: str, path: str) -> None:
        """Take in what stands in this log by now."""
        follower = self._followers.get(name)
        if follower is None:
            clock = self._clock
            follower = Follower(name, path, Told(), None, clock)
            self._followers[name] = follower
        follower.sync([Log(path)])
        while follower.poll():
            pass

    def stop(self, name: str) -> None:
        """The reader of this log dies; the next `read` starts another."""
        follower = self._followers.pop(name, None)
        if follower is not None:
            follower.close()
            close_feed(follower.feed)

    def knows(self, ring: Ring, phone: Phone) -> bool:
        """Whether it could push: it pushes to what the logs have shown."""
        is_voip = ring.push_type == "voip"
        token = phone.voip_token if is_voip else phone.remote_token
        return (
            self._device(ring.aor, phone.instance_id) is not None
            and self._token(token) is not None
        )

    def note(self, ring: Ring, phone: Phone, row: dict | None) -> None:
        """One push ended as `row` says; None for one that was withdrawn unsent."""
        is_voip = ring.push_type == "voip"
        token = phone.voip_token if is_voip else phone.remote_token
        push = Push(
            id=UUID(row["apns_id"]) if row else uuid4(),
            device_id=self._device(ring.aor, phone.instance_id),
            token_id=self._token(token),
            app=self._app,
            origin=Push.Origin.REHEARSAL,
            push_type=ring.push_type,
            environment="production",
            topic=phone.bundle_id,
            priority=10,
            payload={},
            call_id=ring.call_id,
            state=Push.State.CANCELLED,
            created_at=ring.at,
            due_at=ring.at,
            expires_at=ring.at + LIFE,
            ended_at=ring.at,
        )
        if row is not None:
            is_accepted = row["status"] == 200
            push.state = Push.State.ACCEPTED if is_accepted else Push.State.REJECTED
            push.reason = row["reason"] or ""
            push.sent_at, push.ended_at = row["sent_at"], row["answered_at"]
            push.accepted_at = row["answered_at"] if is_accepted else None
        self._pushes.append(push)

    def settle(self) -> None:
        """One round, and what it moved."""
        Push.objects.bulk_create(self._pushes)
        self._pushes.clear()
        settled = handling.settle(self.now)
        rows = Ledger.objects.filter(token__in=settled.ledgers).select_related("token")
        self.moves += [
            Move(
                self.now,
                row.token.token,
                row.state,
                tuple(strike["call_id"] for strike in row.run),
            )
            for row in rows
        ]

    def verdicts(self) -> dict[str, int]:
        """How many pushes there were, and calls of each verdict."""
        calls = Call.objects.order_by().values_list("verdict")
        counts = dict(calls.annotate(count=Count("pk")))
        return {"pushes": Push.objects.count(), **counts}

    def _clock(self) -> datetime:
        return self.now

    def _device(self, aor: str, instance_id: str) -> int | None:
        key = (aor, instance_id)
        if key not in self._devices:
            found = Device.objects.filter(aor=aor, instance_id=instance_id)
            pk = found.values_list("pk", flat=True).first()
            if pk is None:
                return None
            self._devices[key] = pk
        return self._devices[key]

    def _token(self, token: str) -> int | None:
        key = token.lower()
        if key not in self._tokens:
            found = PushToken.objects.filter(token=key)
            pk = found.values_list("pk", flat=True).first()
            if pk is None:
                return None
            self._tokens[key] = pk
        return self._tokens[key]
