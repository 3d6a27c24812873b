"""Pushes that programs ask for: found, stored and answered in one transaction.

An Idempotency-Key makes a repeated request harmless: what was stored is answered again.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from notifications.api_forms import Faulty, said_in, wish_of
from notifications.apns.push import token_kind
from notifications.holders import bound_devices, holder_of, why_none
from notifications.models import ApiToken, KeptAnswer, Push
from notifications.outbox import CannotSend, PushRequest, enqueue, new_call_id
from registrations.models import Device, PushToken

KEPT = timedelta(hours=24)
KEY = re.compile(r"[\x21-\x7e]{1,255}")
#: First key of pg_advisory_xact_lock(int4, int4): "one request with this Idempotency-Key".
NAMESPACE = 0x69646D70
SAID = ("call_id", "from_uri", "display_name", "loc_key", "kind", "chat_room")


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON; `is_repeated` where an earlier request was answered so."""

    status: int
    body: dict
    is_repeated: bool = False


@transaction.atomic
def answer_to(body: bytes, key: str | None, token: ApiToken, now: datetime) -> Answer:
    """Store what the body asks for, unless the key's first request did. Raises Faulty."""
    said = said_in(body)
    if key is None:
        return _stored(said, token, now)
    if not KEY.fullmatch(key):
        raise Faulty(400, {"Idempotency-Key": "must be 1 to 255 visible characters"})
    fingerprint = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    _one_at_a_time(token, key)
    KeptAnswer.objects.filter(created_at__lte=now - KEPT).delete()
    kept = KeptAnswer.objects.filter(token=token, key=key).first()
    if kept is None:
        answer = _stored(said, token, now)
        KeptAnswer.objects.create(
            token=token,
            key=key,
            fingerprint=fingerprint,
            status=answer.status,
            answer=answer.body,
            created_at=now,
        )
        return answer
    if kept.fingerprint != fingerprint:
        raise Faulty(409, {"Idempotency-Key": "was used for another request"})
    return Answer(kept.status, kept.answer, is_repeated=True)


def _one_at_a_time(token: ApiToken, key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, hashtext(%s))",
            [NAMESPACE, f"{token.pk} {key}"],
        )


def _stored(said: dict, token: ApiToken, now: datetime) -> Answer:
    wish = wish_of(said)
    pushes, refusals = _queue(_requests(wish, token, now), now)
    if not pushes:
        field = next(name for name in ("device", "aor", "token") if wish[name])
        raise Faulty(422, {field: "; ".join(refusals)})
    for push in pushes:
        if token.app_id not in (None, push.app_id):
            what = f"this API token is for {token.app.bundle_id} alone"
            raise Faulty(403, {"Authorization": what})
    waits = any(push.state == Push.State.QUEUED for push in pushes)
    rows = [
        {"id": str(push.pk), "device": push.device_id, "state": push.state}
        for push in pushes
    ]
    body = {"id": rows[0]["id"], "pushes": rows, "not_sent": refusals}
    return Answer(202 if waits else 200, body)


def _queue(requests: list[PushRequest], now: datetime) -> tuple[list[Push], list[str]]:
    """A desk phone bound to the same AOR must not keep the iPhones from ringing."""
    pushes, refusals = [], []
    for request in requests:
        try:
            pushes += enqueue([request], now)
        except CannotSend as error:
            refusals.append(str(error))
    return pushes, refusals


def _requests(wish: dict, token: ApiToken, now: datetime) -> list[PushRequest]:
    texts = {name: wish[name] for name in SAID}
    if wish["type"] == Push.Type.VOIP:
        texts["call_id"] = texts["call_id"] or new_call_id()
    return [
        PushRequest(
            device=device,
            token=push_token,
            push_type=wish["type"],
            origin=Push.Origin.API,
            api_token=token,
            **texts,
        )
        for device, push_token in _targets(wish, token, now)
    ]


def _targets(
    wish: dict, token: ApiToken, now: datetime
) -> list[tuple[Device, PushToken | None]]:
    if wish["device"]:
        device = Device.objects.filter(pk=wish["device"]).first()
        if device is None:
            raise Faulty(422, {"device": f"there is no device {wish['device']}"})
        return [(device, None)]
    if wish["aor"]:
        return [(device, None) for device in _called(wish, token, now)]
    known = _token(wish, now)
    return [(holder_of(known, now), known)]


def _called(wish: dict, token: ApiToken, now: datetime) -> list[Device]:
    instance = wish["instance_id"] or None
    found = bound_devices(wish["aor"], instance, now)
    if token.app is not None:
        found = [device for device in found if device.bundle_id == token.app.bundle_id]
    if not found:
        raise Faulty(422, {"aor": why_none(wish["aor"], instance)})
    return found


def _token(wish: dict, now: datetime) -> PushToken:
    """The token meant; one never seen is made where app and environment are named."""
    kind = token_kind(wish["type"])
    named = {k: wish[k] for k in ("bundle_id", "environment") if wish[k]}
    facts = {"token": wish["token"], "kind": kind, **named}
    found = list(PushToken.objects.filter(**facts)[:2])
    if len(found) == 1:
        return found[0]
    missing = next((k for k in ("bundle_id", "environment") if not wish[k]), None)
    if missing:
        what = "several tokens are so: say" if found else "never seen: to push it, say"
        raise Faulty(422, {missing: f"{what} bundle_id and environment"})
    return PushToken.objects.get_or_create(**facts, defaults={"first_seen_at": now})[0]
