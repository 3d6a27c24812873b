"""Flexisip's external pusher: 200 as soon as the push is stored, never before.

The request line holds token and secret: it is written to no log of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications.gateway import keep_refusal, take_in
from notifications.gateway_forms import (
    Asked,
    Refused,
    asked_by_json,
    asked_by_url,
    values_of,
    variables_of,
)
from notifications.gateway_keys import key_of

logger = logging.getLogger(__name__)


@csrf_exempt
def by_url(request: HttpRequest, rest: str) -> HttpResponse:
    """`/gateway/SECRET/…`: Flexisip's `external-push-uri`, GET or POST."""
    secret, _, path = rest.partition("/")
    query = request.META.get("QUERY_STRING", "")
    return _answer(request, secret, lambda: variables_of(path, query), asked_by_url)


@csrf_exempt
@require_POST
def by_json(request: HttpRequest) -> HttpResponse:
    """`/flexiapi/api/push_notification`: Flexisip's `external-push-flexiapi`."""
    secret = request.headers.get("x-api-key", "")
    return _answer(request, secret, lambda: values_of(request.body), asked_by_json)


def _answer(
    request: HttpRequest,
    secret: str,
    read: Callable[[], dict[str, str]],
    understand: Callable[[Mapping[str, str]], Asked],
) -> HttpResponse:
    now, values = timezone.now(), {}
    try:
        key = key_of(secret, request.META.get("REMOTE_ADDR") or "")
        if key is None:
            raise Refused(403, "wrong secret, or not from this address")
        values = read()
        push = take_in(understand(values), now)
    except Refused as refused:
        logger.warning("gateway refused", extra={"why": refused.why})
        keep_refusal(refused, values, now)
        return _plain(refused.status, refused.why)
    except DatabaseError as error:
        logger.warning("database away", extra={"why": str(error).strip()})
        return _plain(503, "the database is away")
    return _plain(200, str(push.pk))


def _plain(status: int, text: str) -> HttpResponse:
    answer = HttpResponse(f"{text}\n", status=status, content_type="text/plain")
    # Django logs the path of every 4xx and 5xx; this one holds a secret.
    answer._has_been_logged = True
    return answer
