"""Loads what verdicts are judged by: the pushes, signs and windows of many tokens at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from notifications.judging import Policy, PushFacts, Sign
from notifications.models import Call, Push, Reset
from registrations.models import DeviceEvent, Holding, Sighting

#: Evidence is looked for this much around a call: the widest window there is, and more.
AROUND = timedelta(minutes=5)
SIGN_FIELDS = (
    "kind",
    "moment",
    "call_id",
    "code",
    "feed__name",
    "file__path",
    "position",
    "line",
)


class Evidence:
    """Everything known of these tokens between two moments."""

    def __init__(self, token_ids: set[int], since: datetime, until: datetime) -> None:
        self.devices_of: dict[int, set[int]] = defaultdict(set)
        tokens_of: dict[int, set[int]] = defaultdict(set)
        holdings = Holding.objects.filter(token__in=token_ids)
        for token, device in holdings.values_list("token", "device"):
            self.devices_of[token].add(device)
            tokens_of[device].add(token)
        self.device_ids = set(tokens_of)
        window = (since - AROUND, until + AROUND)
        self._signs: dict[int, dict[int, Sign]] = defaultdict(dict)
        self._load_signs(token_ids, tokens_of, window)
        self._remotes = self._load_remotes(tokens_of, window)

    def _load_signs(self, token_ids, tokens_of, window) -> None:
        wanted = Q(token__in=token_ids) | Q(device__in=self.device_ids)
        days = (window[0].date(), window[1].date())
        rows = Sighting.objects.evidence().filter(
            wanted, moment__range=window, day__range=days
        )
        for pk, token, device, *facts in rows.values_list(
            "id", "token", "device", *SIGN_FIELDS
        ):
            sign = sign_of(*facts)
            for holder in {token, *tokens_of[device]} & token_ids:
                self._signs[holder][pk] = sign

    def _load_remotes(self, tokens_of, window) -> dict[int, list[datetime]]:
        remotes: dict[int, list[datetime]] = defaultdict(list)
        rows = Push.objects.filter(
            device__in=self.device_ids, accepted_at__range=window
        ).exclude(push_type=Push.Type.VOIP)
        for device, accepted_at in rows.values_list("device", "accepted_at"):
            for token in tokens_of[device]:
                remotes[token].append(accepted_at)
        return remotes

    def signs(self, token: int, since: datetime, until: datetime) -> list[Sign]:
        """What the phone of this token did between two moments."""
        signs = self._signs[token].values()
        return [sign for sign in signs if since <= sign.moment <= until]

    def all_signs(self, token: int) -> list[Sign]:
        """What the phone of this token did, as far as it was loaded."""
        return list(self._signs[token].values())

    def remotes(self, token: int) -> list[datetime]:
        """When APNs took remote pushes to the devices of this token."""
        return self._remotes[token]


def sign_of(kind, moment, call_id, code, feed, file, position, line) -> Sign:
    """A sighting's `SIGN_FIELDS` as a fact, with the copy a verdict keeps."""
    evidence = {
        "kind": kind,
        "moment": moment.isoformat(),
        "feed": feed,
        "file": file,
        "position": position,
        "line": line,
    }
    return Sign(kind=kind, moment=moment, call_id=call_id, code=code, evidence=evidence)


def pushes_of(calls: Iterable[Call]) -> dict[int, list[PushFacts]]:
    """call → its pushes as facts."""
    pushes: dict[int, list[PushFacts]] = defaultdict(list)
    rows = Push.objects.filter(sip_call__in=list(calls))
    for call, *facts in rows.values_list("sip_call", "state", "sent_at", "accepted_at"):
        pushes[call].append(PushFacts(*facts))
    return pushes


def windows_of(token_ids: set[int], policies: dict[int, Policy], since: datetime):
    """token → (call, first departure, end of the late window) of its calls since then."""
    windows: dict[int, list[tuple[int, datetime, datetime]]] = defaultdict(list)
    rows = Call.objects.filter(
        token__in=token_ids, sent_at__gte=since - AROUND, accepted_at__isnull=False
    )
    for pk, token, sent_at, accepted_at in rows.values_list(
        "pk", "token", "sent_at", "accepted_at"
    ):
        end = accepted_at + policies[token].late_window
        windows[token].append((pk, sent_at, end))
    return windows


def resets_of(token_ids: set[int]) -> dict[int, list[datetime]]:
    """token → reinstalls of its app and resets by a person: runs start anew there."""
    resets: dict[int, list[datetime]] = defaultdict(list)
    reinstalls = DeviceEvent.objects.filter(
        token__in=token_ids, kind=DeviceEvent.Kind.REINSTALLED, moment__isnull=False
    )
    persons = Reset.objects.filter(token__in=token_ids)
    rows = list(reinstalls.values_list("token", "moment"))
    for token, moment in [*rows, *persons.values_list("token", "at")]:
        resets[token].append(moment)
    return resets
