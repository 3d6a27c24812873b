"""Flexisip's external pusher: 200 as soon as the push is stored, never before.

The request line holds token and secret: it is written to no log of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications.gateway import take_in
from notifications.gateway_forms import (
    Asked,
    Refused,
    asked_by_json,
    asked_by_url,
    values_of,
    variables_of,
)
from notifications.gateway_keys import key_of
from notifications.models import Door
from notifications.refusals import Caller, keep_refusal

logger = logging.getLogger(__name__)


@csrf_exempt
def by_url(request: HttpRequest, rest: str) -> HttpResponse:
    """`/gateway/SECRET/…`: Flexisip's `external-push-uri`, GET or POST."""
    secret, _, path = rest.partition("/")
    query = request.META.get("QUERY_STRING", "")
    read = partial(variables_of, path, query)
    return _answer(request, Door.URL, secret, read, asked_by_url)


@csrf_exempt
@require_POST
def by_json(request: HttpRequest) -> HttpResponse:
    """`/flexiapi/api/push_notification`: Flexisip's `external-push-flexiapi`."""
    secret = request.headers.get("x-api-key", "")
    read = partial(_values_in, request)
    return _answer(request, Door.JSON, secret, read, asked_by_json)


def _values_in(request: HttpRequest) -> dict[str, str]:
    return values_of(request.body)


def _answer(
    request: HttpRequest,
    door: Door,
    secret: str,
    read: Callable[[], dict[str, str]],
    understand: Callable[[Mapping[str, str]], Asked],
) -> HttpResponse:
    try:
        return _stored(request, door, secret, read, understand)
    except DatabaseError as error:
        logger.warning("database away", extra={"why": str(error).strip()})
        return _plain(503, "the database is away")


def _stored(request, door, secret, read, understand) -> HttpResponse:
    now, values, name = timezone.now(), {}, ""
    address = request.META.get("REMOTE_ADDR") or ""
    try:
        key = key_of(secret, address)
        if key is None:
            raise Refused(403, "wrong secret, or not from this address")
        name, values = key.name, read()
        push = take_in(understand(values), now)
    except Refused as refused:
        logger.warning("gateway refused", extra={"why": refused.why})
        keep_refusal(refused, Caller(door, address, name), values, now)
        return _plain(refused.status, refused.why)
    return _plain(200, str(push.pk))


def _plain(status: int, text: str) -> HttpResponse:
    answer = HttpResponse(f"{text}\n", status=status, content_type="text/plain")
    # Django logs the path of every 4xx and 5xx; this one holds a secret.
    answer._has_been_logged = True
    return answer
