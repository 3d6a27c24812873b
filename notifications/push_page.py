"""The read model of one push: steps, attempts, request, verdict, evidence, resend."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import DateField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, JSONObject
from django.utils.translation import gettext

from notifications.apns import LIMITS
from notifications.curl import command_of
from notifications.judging import BLIND
from notifications.models import Attempt, Call, Credential, Push
from notifications.payloads import size_of
from notifications.push_names import APNS_ID
from notifications.resend_facts import facts_of
from notifications.rule_words import rule_of
from notifications.safety import is_safe
from notifications.sign_words import SIGNS, titled
from notifications.steps import Answered, steps_of
from notifications.watermarks import Watermarks, held_by, read_until
from notifications.wording import end_of, number, outcome_of, rules_in_words
from registrations.models import Gap, Holding, LogFile, Sighting

SEEN = 20
ICONS = {"ok": "circle-check", "hot": "alert-triangle", "warn": "clock", "bad": "ban"}


@dataclass(frozen=True, slots=True)
class Seen:
    """One line of what was seen, with where it can be read."""

    at: datetime
    tone: str
    icon: str
    title: str
    place: str
    line: str


def rows() -> QuerySet[Push]:
    """Pushes with what a page of one shows beside them."""
    holders = Holding.objects.filter(token=OuterRef("token")).values("device")
    related = (
        "device",
        "token__ledger",
        "app",
        "sip_call",
        "requested_by",
        "api_token",
    )
    credentials = Credential.objects.filter(
        app=OuterRef("app"), environment=OuterRef("environment")
    )
    # The day names the partitions to look into.
    answers = Sighting.objects.filter(
        kind=Sighting.Kind.ANSWER,
        call_id=OuterRef("call_id"),
        code__isnull=False,
        moment__isnull=False,
        day__gte=Cast(OuterRef("created_at") - timedelta(days=1), DateField()),
    ).order_by("moment")
    said = JSONObject(at="moment", code="code", device="device_id")
    names = ("kind", "server", "host", "port")
    spoken_by = JSONObject(**{name: name for name in names})
    return Push.objects.select_related(*related).annotate(
        holders=ArraySubquery(holders),
        answers=ArraySubquery(answers.values_list(said)[:SEEN]),
        apns_id=APNS_ID,
        spoken_by=Subquery(credentials.order_by().values_list(spoken_by)[:1]),
    )


def push(found: Push, now: datetime) -> dict:
    """Everything the Push page shows of one of `rows`."""
    call = found.sip_call
    tone, words = outcome_of(found)
    attempts = list(found.attempts.all())
    asked = {found.push_type, Push.Type.ALERT}
    facts = facts_of(found.device, asked, now, found)
    siblings, resends = _others(found, call)
    held_by, feeds, gaps = _read(found, call, now) if call else ([], [], [])
    headers = headers_of(found)
    spoken_by = Credential(**found.spoken_by) if found.spoken_by else None
    return {
        "push": found,
        "call": call,
        "tone": tone,
        "icon": ICONS.get(tone, "info-circle"),
        "words": words,
        "rule": rule_of(call) if call else "",
        "proof": str(SIGNS[call.evidence["kind"]]) if _is_proven(call) else "",
        "held_by": held_by,
        "changes": list(call.changes.all()) if call else [],
        "attempts": attempts,
        "siblings": siblings,
        "resends": resends,
        "steps": steps_of(found, call, len(attempts), now, _answers(found)),
        "headers": headers,
        "payload_text": json.dumps(found.payload, indent=2),
        "curl": command_of(found, headers, spoken_by) if found.payload else "",
        "text": text_of(found.payload),
        "size": size_of(found.payload),
        "limit": LIMITS[found.push_type],
        "safety": is_safe(facts[found.push_type]),
        "alert_safety": is_safe(facts[Push.Type.ALERT]),
        "rings": facts[found.push_type].life_left is not None,
        "can_undo": found.requested_by_id is not None and now < found.due_at,
        "ledger": getattr(found.token, "ledger", None),
        "seen": _seen(found, call, attempts),
        "feeds": feeds,
        "gaps": gaps,
        "rules": rules_in_words([found.app]),
    }


def _answers(found: Push) -> list[Answered]:
    """What the phones of its call answered, the first first."""
    if not found.call_id:
        return []
    ours = {found.device_id, *found.holders}
    return [
        Answered(datetime.fromisoformat(one["at"]), one["code"], one["device"] in ours)
        for one in found.answers
    ]


def _others(found: Push, call: Call | None) -> tuple[list[Push], list[Push]]:
    """Other pushes of its call, and its resends, both newest first."""
    wanted = Q(resend_of=found.pk)
    if call is not None:
        wanted |= Q(sip_call=call)
    others = list(Push.objects.filter(wanted).exclude(pk=found.pk))
    siblings = [one for one in others if call and one.sip_call_id == call.pk]
    return siblings, [one for one in others if one.resend_of_id == found.pk]


def text_of(payload: dict) -> tuple[str, str] | None:
    """The loc-key of a payload and what is put into its text; None where it has none."""
    aps = payload.get("aps")
    aps = aps if isinstance(aps, dict) else {}
    alert = aps.get("alert")
    said = alert if isinstance(alert, dict) else aps
    key, args = said.get("loc-key"), said.get("loc-args")
    if not isinstance(key, str) or not key:
        return None
    words = [str(one) for one in args] if isinstance(args, list) else []
    return key, ", ".join(word for word in words if word)


def headers_of(found: Push) -> list[tuple[str, str]]:
    """What is sent to APNs beside the payload, of a push with its `apns_id`; the token
    masked.
    """
    return [
        (":path", f"/3/device/{found.token.masked}"),
        *([("apns-id", found.apns_id)] if found.apns_id else []),
        ("apns-topic", found.topic),
        ("apns-push-type", found.push_type),
        ("apns-priority", str(found.priority)),
        ("apns-expiration", str(int(found.expires_at.timestamp()))),
        *([("apns-collapse-id", found.collapse_id)] if found.collapse_id else []),
    ]


def _seen(found: Push, call: Call | None, attempts: list[Attempt]) -> list[Seen]:
    """What the logs and APNs showed, in order, each line with feed, file and byte."""
    if not found.sent_at:
        return []
    rows = [Seen(found.sent_at, "info", "", gettext("Sent to APNs"), "pushdash", "")]
    if found.accepted_at:
        rows.append(
            Seen(
                found.accepted_at,
                "ok",
                "",
                gettext("APNs accepted the push"),
                "APNs",
                "",
            )
        )
    elif found.ended_at:
        who, title = end_of(found, attempts)
        rows.append(Seen(found.ended_at, "bad", "", title, who, ""))
    if call is not None:
        rows += _signs(found, call)
    if call is not None and call.verdict == Call.Verdict.UNHANDLED and call.handle_by:
        title = gettext("Deadline passed, no sign of waking")
        rows.append(
            Seen(call.handle_by, "hot", "alert-triangle", title, "pushdash", "")
        )
    return sorted(rows, key=lambda row: row.at)


def _signs(found: Push, call: Call) -> list[Seen]:
    """The proof a verdict keeps, and every other sign of life until the late window ends."""
    until = (call.accepted_at or found.sent_at) + found.app.late_window
    rows = Sighting.objects.filter(
        device__in={found.device_id, *found.holders},
        moment__range=(found.sent_at - timedelta(seconds=1), until),
        day__range=(found.sent_at.date() - timedelta(days=1), until.date()),
    ).select_related("feed", "file")
    proof = call.evidence or {}
    signs = [_sign(row, proof) for row in rows.order_by("moment")[:SEEN]]
    if proof and not any(sign.icon for sign in signs):
        at = datetime.fromisoformat(proof["moment"])
        title = _proven(str(SIGNS[proof["kind"]]))
        place = _place(proof["feed"], proof["file"], proof["position"])
        signs.append(Seen(at, "ok", "circle-check", title, place, proof["line"]))
    return signs


def _sign(row: Sighting, proof: dict) -> Seen:
    place = row.kind, row.file.path, row.position
    is_proof = place == tuple(proof.get(name) for name in ("kind", "file", "position"))
    title = titled(row.kind, row.code)
    place = _place(row.feed.name, row.file.path, row.position)
    if not is_proof:
        return Seen(row.moment, "mute", "", title, place, row.line)
    line = proof["line"] or row.line
    title = _proven(title)
    return Seen(row.moment, "ok", "circle-check", title, place, line)


def _is_proven(call: Call | None) -> bool:
    return call is not None and bool(call.evidence)


def _proven(title: str) -> str:
    return gettext("%(sign)s, the proof") % {"sign": title}


def _place(feed: str, file: str, position: int) -> str:
    place = gettext("%(file)s, byte %(position)s")
    return f"{feed} · {place % {'file': file, 'position': number(position)}}"


def _read(
    found: Push, call: Call, now: datetime
) -> tuple[list[dict], list[tuple], list[Gap]]:
    """What holds the verdict; which feeds could show a proof, how far each has been read,
    and to which byte; and what they lost, where that is the reason.
    """
    span = None
    if call.rule == BLIND.rule and call.handle_by:
        span = call.sent_at - found.app.foreground_window, call.handle_by
    mark = Watermarks(found.holders, now, gaps_in=span).of(found.holders)
    feeds = mark.feeds
    newest = LogFile.objects.filter(feed__in=feeds).order_by("feed_id", "-pk")
    files = {file.feed_id: file for file in newest.distinct("feed_id")}
    shown = [
        (
            feed.name,
            read_until(feed),
            _read_to(files[feed.pk]) if feed.pk in files else "",
        )
        for feed in feeds
    ]
    return held_by(call, mark, now), shown, list(mark.gaps)


def _read_to(file: LogFile) -> str:
    is_file = file.kind == LogFile.Kind.FILE
    place = gettext("%(file)s, byte %(position)s")
    place = place if is_file else gettext("%(file)s, record %(position)s")
    return place % {"file": file.path, "position": number(file.position)}
