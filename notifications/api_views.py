"""`/api/v1/pushes`: JSON in, JSON out, a bearer token in the Authorization header."""

from __future__ import annotations

import logging
import uuid

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from notifications.api_forms import Faulty, said_in
from notifications.api_pushes import answer_to
from notifications.api_tokens import token_of
from notifications.models import ApiToken, Door, Push
from notifications.push_facts import as_dict
from notifications.refusals import Caller, keep_refusal

logger = logging.getLogger(__name__)


@never_cache
@csrf_exempt
def pushes(request: HttpRequest) -> JsonResponse:
    """Ask for a push: 202 once it is queued, 200 where it ended at once (held)."""
    return _guarded(request, "POST", _ask)


@never_cache
@csrf_exempt
def push(request: HttpRequest, pk: str) -> JsonResponse:
    """What became of a push."""
    return _guarded(request, "GET", lambda request, token: _tell(request, token, pk))


def _guarded(request: HttpRequest, method: str, act) -> JsonResponse:
    """Answer by `act(request, token)`; what is refused is kept, whatever the cause."""
    now, token = timezone.now(), None
    try:
        try:
            _is_method(request, method)
            token = _token_of(request, now)
            return act(request, token)
        except Faulty as refused:
            logger.warning("API refused", extra={"why": refused.why})
            _keep(request, refused, token, now)
            return _refusal(refused)
    except DatabaseError as error:
        logger.warning("database away", extra={"why": str(error).strip()})
        answer = _refusal(Faulty(503, {"": "the database is away"}))
        answer["Retry-After"] = "1"
        return answer


def _is_method(request: HttpRequest, method: str) -> None:
    if request.method != method:
        raise Faulty(405, {"method": f"must be {method}"})


def _token_of(request: HttpRequest, now) -> ApiToken:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    token = token_of(secret.strip(), now) if scheme.lower() == "bearer" else None
    if token is None:
        raise Faulty(401, {"Authorization": "a bearer token of the API is needed"})
    return token


def _ask(request: HttpRequest, token: ApiToken) -> JsonResponse:
    key = request.headers.get("Idempotency-Key")
    answer = answer_to(request.body, key, token, timezone.now())
    rows = [_with_address(request, row) for row in answer.body["pushes"]]
    body = answer.body | {"status_url": rows[0]["status_url"], "pushes": rows}
    response = JsonResponse(body, status=answer.status)
    response["Location"] = rows[0]["status_url"]
    if answer.is_repeated:
        response["Idempotent-Replayed"] = "true"
    return response


def _with_address(request: HttpRequest, row: dict) -> dict:
    path = reverse("notifications:api-push", args=[row["id"]])
    return row | {"status_url": request.build_absolute_uri(path)}


def _tell(request: HttpRequest, token: ApiToken, pk: str) -> JsonResponse:
    found = Push.objects.select_related("device", "token", "sip_call")
    if token.app_id is not None:
        found = found.filter(app=token.app_id)
    try:
        one = found.filter(pk=uuid.UUID(pk)).first()
    except ValueError:
        one = None
    if one is None:
        raise Faulty(404, {"id": "there is no such push"})
    return JsonResponse(as_dict(one))


def _keep(request: HttpRequest, refused: Faulty, token: ApiToken | None, now) -> None:
    address = request.META.get("REMOTE_ADDR") or ""
    asked = {}
    if token is not None:
        try:
            asked = said_in(request.body)
        except Faulty:
            asked = {}  # the refusal says that it is no JSON
    name = token.name if token else ""
    keep_refusal(refused, Caller(Door.API, address, name), asked, now)


def _refusal(refused: Faulty) -> JsonResponse:
    faults = [{"field": k or None, "error": why} for k, why in refused.faults.items()]
    body = {"error": refused.why.removeprefix(": "), "errors": faults}
    answer = JsonResponse(body, status=refused.status)
    if refused.status == 401:
        answer["WWW-Authenticate"] = "Bearer"
    if refused.status == 405:
        answer["Allow"] = refused.faults["method"].removeprefix("must be ")
    return answer
