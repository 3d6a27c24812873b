"""What a push goes out with: a token of its device; its app, a credential, a template."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.utils.translation import gettext

from notifications.models import App, Credential, PayloadTemplate, Push, TokenHealth
from notifications.payloads import DEFAULTS
from notifications.shielding import OF_PERSONS
from registrations.models import Device, PushToken

#: States of a token that a call tries all the same, and a person.
DOUBTED = frozenset({TokenHealth.State.QUARANTINED, TokenHealth.State.WRONG_TOPIC})
#: Asked for each call: to put the same together from its parts took a fifth of a request.
ASKED = f"""
    SELECT app.*,
    EXISTS (SELECT FROM {Credential._meta.db_table} AS credential
        WHERE credential.app_id = app.id AND environment = %s) AS has_credential,
    (SELECT body::text FROM {PayloadTemplate._meta.db_table} AS own
        WHERE own.app_id = app.id AND kind = %s) AS own_template
    FROM {App._meta.db_table} AS app WHERE bundle_id = %s"""


class CannotSend(Exception):
    """A push that cannot even be queued; the text says why and what would mend it."""


def token_for(device: Device, push_type: str, origin: str) -> PushToken:
    """The token a push of this type goes to. Raises CannotSend."""
    is_voip = push_type == Push.Type.VOIP
    kind = PushToken.Kind.VOIP if is_voip else PushToken.Kind.REMOTE
    holding = (
        device.holdings.filter(current=True, token__kind=kind)
        .select_related("token__health")
        .last()
    )
    if holding is None:
        told = gettext("%(aor)s has no %(kind)s token: %(why)s")
        why = _why_no_token(device)
        raise CannotSend(told % {"aor": device.aor, "kind": kind.value, "why": why})
    _refuse_troubled(holding.token, device, is_voip or origin in OF_PERSONS)
    return holding.token


def _why_no_token(device: Device) -> str:
    if not device.pn_provider and not device.bundle_id:
        return gettext("its Contact carries no push parameters")
    if device.pn_provider and not device.environment:
        told = gettext("its push provider is %(provider)s, not APNs")
        return told % {"provider": device.pn_provider}
    rules = ", ".join(problem["rule"] for problem in device.problems)
    rules = rules or gettext("no such service in pn-param")
    return gettext("its newest REGISTER gives none (%(rules)s)") % {"rules": rules}


def _refuse_troubled(token: PushToken, device: Device, is_tried: bool) -> None:
    """A dead token takes nothing; one in quarantine a call, and what a person tries."""
    health = getattr(token, "health", None)
    state = TokenHealth.State.VALID if health is None else health.state
    if state == TokenHealth.State.RETIRED or (state in DOUBTED and not is_tried):
        told = gettext(
            "%(aor)s: Apple said %(reason)s of %(token)s; the next REGISTER with this token "
            "brings it back"
        )
        facts = {"reason": health.reason, "token": token.masked}
        raise CannotSend(told % {"aor": device.aor, **facts})


@dataclass(frozen=True, slots=True)
class Outfit:
    """For pushes of one kind to one environment."""

    app: App
    has_credential: bool
    #: The app's own, else the default.
    template: dict


class Outfits:
    """Asks for each app, environment and kind once; belongs to one `enqueue`."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], Outfit | None] = {}

    def for_push(
        self, device: Device, token: PushToken, environment: str, kind: str
    ) -> Outfit:
        """What a push of this kind to the token needs. Raises CannotSend."""
        wanted = token.bundle_id, environment, kind
        if wanted not in self._known:
            self._known[wanted] = _asked(*wanted)
        outfit = self._known[wanted]
        if outfit is None:
            told = gettext("%(aor)s: no app is set up for %(bundle_id)s")
            raise CannotSend(told % {"aor": device.aor, "bundle_id": token.bundle_id})
        if not outfit.has_credential:
            told = gettext("%(aor)s: %(app)s has no credential for %(environment)s")
            facts = {"app": outfit.app.name, "environment": environment}
            raise CannotSend(told % {"aor": device.aor, **facts})
        return outfit


def _asked(bundle_id: str, environment: str, kind: str) -> Outfit | None:
    app = next(iter(App.objects.raw(ASKED, [environment, kind, bundle_id])), None)
    if app is None:
        return None
    own = app.own_template
    template = DEFAULTS[kind] if own is None else json.loads(own)
    return Outfit(app, app.has_credential, template)
