"""What the database says of many devices, read for all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from notifications.apns.push import token_kind
from notifications.models import Credential, Reset
from notifications.resend_facts import ASKED, JUST_NOW, sent_by_people
from notifications.safety import USUAL_LIFE, Facts, standing_of
from notifications.token_health import environment_of
from registrations.models import Device, Holding, PushToken


class Known:
    """Their tokens, and what a dry run asks of each."""

    def __init__(self, devices: Iterable[int], now: datetime) -> None:
        devices = set(devices)
        held = Holding.objects.filter(device__in=devices, current=True).order_by("pk")
        held = held.select_related("token__ledger", "token__health")
        self._tokens = {(one.device_id, one.token.kind): one.token for one in held}
        self._bound = set(
            Device.objects.bound_at(now)
            .filter(pk__in=devices)
            .values_list("pk", flat=True)
        )
        self._pks = [token.pk for token in self._tokens.values()]
        self._recent = _sent_since(self._pks, now - JUST_NOW)
        keys = Credential.objects.values("app__bundle_id", "environment", *ASKED)
        self._keys = {(key["app__bundle_id"], key["environment"]): key for key in keys}
        self._now = now

    def token_of(self, device: int, push_type: str) -> PushToken | None:
        """The one that such a push goes to."""
        return self.token(device, token_kind(push_type))

    def token(self, device: int, kind: str) -> PushToken | None:
        """The one of that kind the device holds now."""
        return self._tokens.get((device, kind))

    def has_credential(self, token: PushToken) -> bool:
        """There is a key for its app, in the environment that it is pushed in."""
        return (token.bundle_id, environment_of(token)) in self._keys

    def facts(self, device: int, token: PushToken, push_type: str) -> Facts:
        """What `safety.is_safe` rests on, for a push whose call is over."""
        ledger, health = getattr(token, "ledger", None), getattr(token, "health", None)
        key = self._keys.get((token.bundle_id, environment_of(token)))
        return Facts(
            push_type=push_type,
            strikes=ledger.strikes if ledger else 0,
            threshold=ledger.threshold if ledger else 3,
            is_bound=device in self._bound,
            is_current=True,
            health=health.state if health else "",
            health_reason=health.reason if health else "",
            resent_just_now=(token.pk, push_type) in self._recent,
            environment=environment_of(token),
            server=key["server"] if key else "",
            voip_life=key["app__voip_life"] if key else USUAL_LIFE,
            credential=standing_of(key, self._now),
        )

    def resets_to_come(self) -> set[int]:
        """Tokens with a reset that their ledger does not know of yet."""
        new = Reset.objects.filter(token__in=self._pks, counted=False)
        return set(new.order_by().values_list("token", flat=True))


def _sent_since(tokens: list[int], moment: datetime) -> set[tuple[int, str]]:
    """(token, push type) of what people sent since then."""
    rows = sent_by_people(moment).filter(token__in=tokens)
    return set(rows.order_by().values_list("token", "push_type"))
