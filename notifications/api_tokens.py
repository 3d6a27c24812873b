"""Bearer tokens of the REST API: given once, kept as digests, revoked by a person."""

from __future__ import annotations

import hmac
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction

from notifications import audit
from notifications.gateway_keys import digest_of
from notifications.models import ApiToken, App

#: So that a token found in a file says what it is.
PREFIX = "pushdash_"
#: `last_used_at` is written no more often.
NEWS = timedelta(minutes=1)


@transaction.atomic
def give_token(name: str, app: App | None, by: AbstractBaseUser, now: datetime) -> str:
    """A new token; it is in no row and cannot be shown again. `app` None: for any app."""
    token = PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        name=name, app=app, digest=digest_of(token), created_at=now, created_by=by
    )
    audit.note(by, "token.give", name, now, app=app.bundle_id if app else "any")
    return token


@transaction.atomic
def revoke(token: ApiToken, by: AbstractBaseUser, now: datetime) -> bool:
    """No request with it is taken from now on; False where it was revoked before."""
    live = ApiToken.objects.filter(pk=token.pk, revoked_at=None)
    done = live.update(revoked_at=now)
    if done:
        audit.note(by, "token.revoke", token.name, now)
    return bool(done)


def token_of(secret: str, now: datetime) -> ApiToken | None:
    """The row this is the token of, unless it was revoked."""
    digest = digest_of(secret)
    # Found by its digest: what time tells of an index says nothing of the token.
    rows = ApiToken.objects.select_related("app").filter(revoked_at=None)
    row = rows.filter(digest=digest).first()
    if row is None or not hmac.compare_digest(row.digest, digest):
        return None
    if row.last_used_at is None or row.last_used_at < now - NEWS:
        ApiToken.objects.filter(pk=row.pk).update(last_used_at=now)
    return row
