"""Where apps post their beacons: the upper floor tells whether to believe one, the lower one
stores it as a sign of life.
"""

from __future__ import annotations

import logging

from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications.beacon_limits import Limits, admit
from notifications.beacon_secrets import count, secrets_of
from notifications.beacons import Beacon, BeaconRefused, check, read_beacon
from notifications.credentials import CredentialError
from notifications.models import App
from registrations.beacons import HeardBefore, NobodyHolds, Word, store

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def beacons(request: HttpRequest) -> HttpResponse:
    """200 once it is stored as evidence; else a 4xx that says why in one word."""
    try:
        beacon = read_beacon(request.body)
        app, secrets = _app_of(beacon)
        _take_in(beacon, app, secrets)
    except BeaconRefused as refused:
        return _refusal(refused)
    except CredentialError as error:
        logger.error("beacon secret not opened", extra={"why": str(error)})
        return _refusal(BeaconRefused(503, "unavailable", "the secret is away"))
    except DatabaseError as error:
        logger.warning("database away", extra={"why": str(error).strip()})
        return _refusal(BeaconRefused(503, "unavailable", "the database is away", 5))
    return JsonResponse({"accepted": True})


def _app_of(beacon: Beacon) -> tuple[App, list[str]]:
    app = App.objects.filter(bundle_id=beacon.bundle_id).only("pk").first()
    secrets = secrets_of(app) if app else []
    if not secrets:
        raise BeaconRefused(404, "unknown_app", "no beacons are taken of this app")
    return app, secrets


def _take_in(beacon: Beacon, app: App, secrets: list[str]) -> None:
    now = timezone.now()
    word = Word(
        bundle_id=beacon.bundle_id,
        fingerprint=beacon.fingerprint,
        call_id=beacon.call_id,
        at=beacon.at,
        heard_at=now,
        line=beacon.line,
    )
    try:
        check(beacon, secrets, now)
        admit(app.pk, beacon.fingerprint, Limits(), now)
        with transaction.atomic():
            store(word)
            count(app, "accepted", now)
    except BeaconRefused as refused:
        count(app, refused.error, now)
        raise
    except NobodyHolds:
        count(app, "unknown_token", now)
        raise BeaconRefused(
            404, "unknown_token", "no device registered this token"
        ) from None
    except HeardBefore:
        count(app, "repeated", now)
        raise BeaconRefused(409, "repeated", "it was taken before") from None


def _refusal(refused: BeaconRefused) -> HttpResponse:
    said = {"accepted": False, "error": refused.error, "why": refused.why}
    answer = JsonResponse(said, status=refused.status)
    if refused.retry_after is not None:
        answer["Retry-After"] = str(refused.retry_after)
    return answer
