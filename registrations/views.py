"""The address log collectors post to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from registrations.feeds import FeedBusy
from registrations.posting import take_in
from registrations.sources.httpbody import BodyRefused, lines_of, unpacked
from registrations.tokens import feed_of

logger = logging.getLogger(__name__)

PIECE_BYTES = 64 * 1024
#: Bodies a process unpacks at once: they are held in memory.
AT_ONCE = threading.BoundedSemaphore(4)


@csrf_exempt
@require_POST
def logs(request: HttpRequest, feed: str) -> HttpResponse:
    """Take in a body of log lines: 200 once they are stored; the collector keeps them else."""
    if not AT_ONCE.acquire(blocking=False):
        return _refusal(429, "too many requests at once", retry_after=1)
    try:
        return _taken(request, feed)
    except BodyRefused as error:
        return _refusal(error.status, error.detail, line=error.line)
    except FeedBusy:
        return _refusal(503, "the feed is busy", retry_after=1)
    except DatabaseError as error:
        logger.warning("database away", extra={"why": str(error).strip()})
        return _refusal(503, "the database is away", retry_after=5)
    finally:
        AT_ONCE.release()


def _taken(request: HttpRequest, name: str) -> HttpResponse:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    feed = feed_of(name, token.strip()) if scheme.lower() == "bearer" else None
    if feed is None:
        refusal = _refusal(401, "a bearer token of this feed is needed")
        refusal["WWW-Authenticate"] = "Bearer"
        return refusal
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    body = unpacked(_pieces(request), encoding)
    lines = lines_of(body, request.headers.get("Content-Type", ""))
    count = take_in(feed, lines, timezone.now)
    return JsonResponse({"lines": len(lines), "registers": count})


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(PIECE_BYTES):
        yield piece


def _refusal(
    status: int, error: str, *, line: int | None = None, retry_after: int | None = None
) -> HttpResponse:
    answer = JsonResponse({"error": error, "line": line}, status=status)
    if retry_after is not None:
        answer["Retry-After"] = str(retry_after)
    return answer
