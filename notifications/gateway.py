"""Takes pushes from a SIP server: stored before it is answered, duplicates folded.

A token we have never seen is pushed all the same, a quarantined one too: the SIP server has
a call for it now.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from notifications.columns import execute
from notifications.gateway_forms import Asked, Refused
from notifications.holders import holder_of
from notifications.models import Push
from notifications.outbox import CannotSend, PushRequest, enqueue_within
from registrations.models import PushToken

#: Flexisip repeats an unanswered request, and its own retransmissions, within this.
REPEAT_WINDOW = timedelta(seconds=60)
#: First key of pg_advisory_xact_lock(int4, int4): "one push of a token and Call-ID".
NAMESPACE = 0x67617465
ALONE = "SELECT pg_advisory_xact_lock(%b::int4, hashtext(%b))"
#: One statement to find it and to count it: nearly always there is none.
REPEAT = f"""
    UPDATE {Push._meta.db_table} SET repeats = repeats + 1 WHERE id = (
        SELECT id FROM {Push._meta.db_table} WHERE token_id = %b AND call_id = %b
        AND push_type = %b AND origin = %b AND created_at > %b
        ORDER BY created_at LIMIT 1)
    RETURNING id"""


@transaction.atomic
def take_in(asked: Asked, now: datetime) -> Push:
    """The push of this request: a new one, or the one it repeats. Raises Refused."""
    token, _ = PushToken.objects.select_related("health").get_or_create(
        environment=asked.environment,
        bundle_id=asked.bundle_id,
        kind=asked.kind,
        token=asked.token,
        defaults={"first_seen_at": now},
    )
    if asked.call_id:
        repeated = _repeated(token, asked, now)
        if repeated is not None:
            return repeated
    request = PushRequest(
        device=holder_of(token, now, asked.to_uri, asked.instance_id),
        token=token,
        push_type=asked.push_type,
        origin=Push.Origin.GATEWAY,
        kind=asked.payload,
        loc_key=asked.loc_key,
        sound=asked.sound,
        call_id=asked.call_id,
        from_uri=asked.from_uri,
        display_name=asked.from_name,
    )
    try:
        return enqueue_within([request], now)[0]
    except CannotSend as error:
        raise Refused(422, str(error)) from error


def _repeated(token: PushToken, asked: Asked, now: datetime) -> Push | None:
    """Two copies may come at once: the second waits for the first to be stored."""
    execute(ALONE, [NAMESPACE, f"{token.pk} {asked.call_id}"])
    origin, since = Push.Origin.GATEWAY.value, now - REPEAT_WINDOW
    same = [token.pk, asked.call_id, asked.push_type, origin, since]
    found = execute(REPEAT, same)
    return Push.objects.only("pk").get(pk=found[0][0]) if found else None
