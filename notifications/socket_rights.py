"""Who may keep the live socket open, asked for all sessions at once."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

ANONYMOUS, NO_RIGHT = 4401, 4403
BACKEND = "django.contrib.auth.backends.ModelBackend"


def refusals_of(session_keys: Iterable[str | None]) -> dict[str | None, int]:
    """Session → the code to close its sockets with: logged out, a new password, a login or
    right taken away. Those that may go on are left out. Three queries, however many they are.
    """
    keys = set(session_keys)
    users = _users_of(keys)
    may_see = User.objects.with_perm("notifications.see", backend=BACKEND)
    ids = [user.pk for user in users.values()]
    seers = set(may_see.filter(pk__in=ids).values_list("pk", flat=True))
    refused = dict.fromkeys(keys - users.keys(), ANONYMOUS)
    return refused | {
        key: NO_RIGHT for key, user in users.items() if user.pk not in seers
    }


def _users_of(keys: set[str | None]) -> dict[str, User]:
    """Session → who is logged in by it, with the password of now."""
    alive = Session.objects.filter(
        session_key__in=keys - {None}, expire_date__gt=timezone.now()
    )
    said = {row.session_key: row.get_decoded() for row in alive}
    logged_in = {
        key: int(values[SESSION_KEY])
        for key, values in said.items()
        if SESSION_KEY in values
    }
    users = User.objects.filter(is_active=True).in_bulk(set(logged_in.values()))
    return {
        key: users[pk]
        for key, pk in logged_in.items()
        if pk in users and _is_of(users[pk], said[key].get(HASH_SESSION_KEY, ""))
    }


def _is_of(user: User, said: str) -> bool:
    """The session was opened with the password the user has now."""
    known = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(hmac.compare_digest(said, each) for each in known)
