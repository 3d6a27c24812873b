"""The steps of many pushes as one statement each: claimed by a worker, and after a try."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from notifications.columns import execute, unnested
from notifications.models import Push

TABLE = Push._meta.db_table
#: Columns a try changes, with their types; owner and claimed_at go with every one.
COLUMNS = {
    "id": "uuid",
    "state": "text",
    "reason": "text",
    "due_at": "timestamptz",
    "sent_at": "timestamptz",
    "accepted_at": "timestamptz",
    "ended_at": "timestamptz",
    "attempt_count": "smallint",
}
CLAIM = f"""
    UPDATE {TABLE} SET state = 'sending', owner = %b, claimed_at = %b
    WHERE id = ANY(%b)"""
ADVANCE = f"""
    UPDATE {TABLE} AS push SET owner = NULL, claimed_at = NULL,
    {", ".join(f"{name} = new.{name}" for name in COLUMNS if name != "id")}
    FROM {unnested("new", COLUMNS)} WHERE push.id = new.id"""


def claim(pushes: Sequence[Push], owner: int, now: datetime) -> None:
    """They are this worker's now, and may leave as soon as this is committed."""
    for push in pushes:
        push.state, push.owner, push.claimed_at = Push.State.SENDING, owner, now
    execute(CLAIM, [owner, now, [push.pk for push in pushes]])


def save(pushes: Sequence[Push]) -> None:
    """Store what their tries made of them; no worker holds them any more."""
    if not pushes:
        return
    execute(ADVANCE, [[getattr(push, name) for push in pushes] for name in COLUMNS])
