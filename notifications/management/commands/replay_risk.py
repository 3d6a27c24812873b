"""`manage.py replay_risk`: what other settings would say of a period, before anyone saves."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from notifications.facts import Policy
from notifications.models import App
from notifications.policy import policy_of
from notifications.replay import Replay, replay
from notifications.terms import Age, WrongValue
from registrations.models import PushToken

#: Option → field of the policy, in seconds.
SECONDS = {
    "wake_window": "until the phone must have answered",
    "late_window": "until a wake is late, and after it none",
    "grace": "waited for the log to show it",
    "reach_window": "in which a sign of life makes a strike witnessed",
    "foreground_window": "in which the app counts as open",
    "release_after": "after the last strike until iOS is taken to wake it again",
}


class Command(BaseCommand):
    help = (
        "Judge the calls of an app anew with other settings, and list which verdicts and "
        "which tokens would flip. Changes nothing; what lies before the period counts for "
        "neither side. Settings that are not given stay as they are."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument("--app", required=True, metavar="BUNDLE_ID")
        parser.add_argument(
            "--since", default="7d", help="how far back: 90m, 24h, 7d, 4w (default 7d)"
        )
        parser.add_argument(
            "--until", default="", help="end of the period, ISO 8601 (default now)"
        )
        parser.add_argument("--threshold", type=int, help="strikes until suspected")
        for name, meaning in SECONDS.items():
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=int, metavar="SECONDS", help=meaning)
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, app: str, since: str, json: bool, **options) -> None:
        found = App.objects.filter(bundle_id=app).first()
        if found is None:
            known = ", ".join(App.objects.values_list("bundle_id", flat=True)) or "none"
            raise CommandError(f"no app {app}; there are: {known}")
        until = _moment(options["until"]) or timezone.now()
        other = _policy(policy_of(found), options)
        result = replay(found, other, until - _age(since), until)
        self._print_json(result) if json else self._print(result)

    def _print(self, found: Replay) -> None:
        names = _names(found)
        for flip in found.flips:
            self.stdout.write(
                f"{flip.sent_at.isoformat()} call {flip.call_id} to {names[flip.token]}: "
                f"{_words(flip.was)} → {_words(flip.becomes)}"
            )
        for moved in found.moved:
            self.stdout.write(
                f"token {names[moved.token]}: {_words(moved.was)} → "
                f"{_words(moved.becomes)}"
            )
        counted = Counter((flip.was[0], flip.becomes[0]) for flip in found.flips)
        for (was, becomes), number in sorted(counted.items()):
            self.stdout.write(f"{number} verdicts {was} → {becomes}")
        self.stdout.write(
            f"{len(found.flips)} of {found.calls} verdicts and {len(found.moved)} of "
            f"{found.tokens} tokens would differ"
        )

    def _print_json(self, found: Replay) -> None:
        names = _names(found)
        row = {
            "calls": found.calls,
            "tokens": found.tokens,
            "verdicts": [
                {
                    "call_id": flip.call_id,
                    "token": names[flip.token],
                    "sent_at": flip.sent_at.isoformat(),
                    "was": flip.was,
                    "becomes": flip.becomes,
                }
                for flip in found.flips
            ],
            "risks": [
                {
                    "token": names[moved.token],
                    "was": moved.was,
                    "becomes": moved.becomes,
                }
                for moved in found.moved
            ],
        }
        self.stdout.write(json.dumps(row))


def _names(found: Replay) -> dict[int, str]:
    """token → as it may be shown."""
    wanted = {each.token for each in (*found.flips, *found.moved)}
    return {token.pk: token.masked for token in PushToken.objects.filter(pk__in=wanted)}


def _words(pair: tuple) -> str:
    return " ".join(str(part) for part in pair if part != "")


def _moment(text: str) -> datetime | None:
    """An aware moment; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise CommandError(f"--until {text}: not an ISO 8601 moment") from None
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def _age(text: str) -> timedelta:
    try:
        return Age({}).read(f"<{text}")[1]
    except WrongValue:
        raise CommandError(f"--since {text}: takes 90m, 24h, 7d or 4w") from None


def _policy(own: Policy, options: dict) -> Policy:
    given = {
        name: timedelta(seconds=options[name])
        for name in SECONDS
        if options[name] is not None
    }
    if options["threshold"] is not None:
        given["threshold"] = options["threshold"]
    for name, value in given.items():
        if value <= type(value)():
            raise CommandError(f"--{name.replace('_', '-')} must be above 0")
    return replace(own, **given)
