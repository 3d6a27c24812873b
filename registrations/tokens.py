"""The bearer token of an HTTP feed: shown once, only its digest is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from registrations.models import Feed

#: Compared against where there is no feed, so that time tells nothing.
NO_DIGEST = hashlib.sha256(b"no feed").hexdigest()


def digest_of(token: str) -> str:
    """Of 256 random bits no slow hash is needed: there is nothing to guess."""
    return hashlib.sha256(token.encode("utf-8", "backslashreplace")).hexdigest()


def give_token(name: str, format: str | None) -> str:
    """A new token of the HTTP feed `name`; the one before is void. Makes the feed."""
    token = secrets.token_urlsafe(32)
    feed, _ = Feed.objects.get_or_create(
        name=name,
        defaults={
            "kind": Feed.Kind.HTTP,
            "path": f"/api/v1/logs/{name}",
            "followed": True,
        },
    )
    feed.token_digest = digest_of(token)
    feed.format = format or feed.format
    feed.save(update_fields=["token_digest", "format"])
    return token


def feed_of(name: str, token: str) -> Feed | None:
    """The feed of this name, if this is its token."""
    feed = Feed.objects.filter(name=name, kind=Feed.Kind.HTTP, enabled=True).first()
    kept = feed.token_digest if feed is not None and feed.token_digest else NO_DIGEST
    is_right = hmac.compare_digest(kept, digest_of(token))
    return feed if is_right and kept != NO_DIGEST else None
