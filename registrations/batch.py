"""One batch of judged REGISTERs → rows. Reads what it needs in few queries, changes it in
memory in the order of the log, and writes it in bulk inside the caller's transaction.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.db.models import Q

from registrations import devices
from registrations.facts import Facts, Judged, linked, small
from registrations.models import (
    Device,
    DeviceEvent,
    Feed,
    Holding,
    PushToken,
    Registration,
)
from registrations.sip import Contact

DEVICE_FIELDS = [
    "contact",
    "user_agent",
    "pn_provider",
    "pn_param",
    "team_id",
    "bundle_id",
    "environment",
    "bound",
    "expires_at",
    "last_registered_at",
    "first_seen_at",
    "last_seen_at",
    "assumed",
    "accepted",
    "call_id",
    "cseq",
    "problems",
    "feed",
]


class Batch:
    """The rows one transaction reads, changes and writes."""

    def __init__(self, feed: Feed, read_at: datetime) -> None:
        self._feed = feed
        self._devices: dict[str, Device] = {}
        self._changed: dict[str, Device] = {}
        self._tokens: dict[tuple, PushToken] = {}
        self._touched_tokens: dict[tuple, PushToken] = {}
        self._holdings: dict[str, dict[tuple, Holding]] = defaultdict(dict)
        self._holders: dict[tuple, set[str]] = defaultdict(set)
        self._ended: list[Holding] = []
        self._begun: list[Holding] = []
        self._facts = Facts(feed, read_at)

    def write(self, items: list[Judged]) -> None:
        """Apply the items in order and write every row they touch."""
        self._load(items)
        for item in items:
            self._take(item)
        self._save()

    # Loading

    def _load(self, items: list[Judged]) -> None:
        aors = {item.register.aor for item in items}
        for device in Device.objects.filter(aor__in=aors):
            self._devices[device.identity] = device
        keys = {
            key
            for item in items
            for contact in item.register.contacts
            for key in devices.token_keys(contact).values()
        }
        tokens = PushToken.objects.filter(token__in={key[3] for key in keys})
        for token in tokens:
            self._tokens[_key(token)] = token
        held = Holding.objects.filter(current=True).filter(
            Q(device__in=self._devices.values()) | Q(token__in=tokens)
        )
        for holding in held.select_related("token", "device"):
            identity = holding.device.identity
            self._devices.setdefault(identity, holding.device)
            self._tokens.setdefault(_key(holding.token), holding.token)
            self._hold(identity, _key(holding.token), holding)

    def _hold(self, identity: str, key: tuple, holding: Holding) -> None:
        self._holdings[identity][key] = holding
        self._holders[key].add(identity)

    # One REGISTER

    def _take(self, item: Judged) -> None:
        for contact in item.register.contacts:
            if contact.uri == "*":
                self._clear(item)
            elif not devices.is_leftover(contact, item.register):
                self._contact(item, contact)

    def _clear(self, item: Judged) -> None:
        """`Contact: *` with Expires 0 ends every binding of the AOR (RFC 3261 §10.2.2)."""
        if not item.accepted or item.register.expires != 0:
            return
        for device in list(self._devices.values()):
            if device.aor == item.register.aor and self._is_ended(device, item):
                device.bound = False
                self._see(device, item)
                self._changed[device.identity] = device
                self._facts.event(device, item, DeviceEvent.Kind.LOGGED_OUT)
                kind = Registration.Kind.UNREGISTERED
                self._facts.registration(device, item, kind, 0, is_news=True)

    def _is_ended(self, device: Device, item: Judged) -> bool:
        register = item.register
        is_late = devices.is_stale(device, register.call_id, register.cseq, item.moment)
        return device.bound and not is_late

    def _contact(self, item: Judged, contact: Contact) -> None:
        device = self._device(item, contact)
        self._changed[device.identity] = device
        self._see(device, item)
        if item.accepted:
            self._accept(device, item, contact)
        if not item.is_same:
            voip = devices.token_keys(contact).get("voip")
            self._facts.sighting(device, item, self._tokens.get(voip))

    def _device(self, item: Judged, contact: Contact) -> Device:
        identity = devices.identify(item.register.aor, contact)
        if identity not in self._devices:
            self._devices[identity] = Device(
                identity=identity,
                aor=item.register.aor,
                instance_id=contact.instance_id,
                contact=contact.uri,
                user_agent=item.register.user_agent or "",
                first_seen_at=item.moment,
            )
        return self._devices[identity]

    def _see(self, device: Device, item: Judged) -> None:
        device.feed = self._feed
        if item.moment is not None:
            device.last_seen_at = max(device.last_seen_at or item.moment, item.moment)

    def _accept(self, device: Device, item: Judged, contact: Contact) -> None:
        register = item.register
        asked = contact.expires
        expires = self._feed.default_expires if asked is None else asked
        if devices.is_stale(device, register.call_id, register.cseq, item.as_of):
            kind, is_news = Registration.Kind.REFRESHED, False
        else:
            change = devices.apply(
                device,
                contact,
                self._held(device),
                user_agent=register.user_agent or "",
                moment=item.moment,
                expires=expires,
            )
            kind, is_news = change.kind, change.is_news
            if item.held is not None:
                device.expires_at = item.held.until
            device.assumed = item.assumed
            device.call_id, device.cseq = register.call_id, small(register.cseq)
            if expires > 0:
                self._tokens_of(device, item, contact)
            for name, key, before, after in change.events:
                self._facts.event(
                    device, item, name, self._tokens.get(key), before, after
                )
        if not item.is_same:
            self._facts.registration(device, item, kind, expires, is_news=is_news)

    def _held(self, device: Device) -> dict[str, tuple]:
        return {key[2]: key for key in self._holdings[device.identity]}

    # Tokens

    def _tokens_of(self, device: Device, item: Judged, contact: Contact) -> None:
        keys = set(devices.token_keys(contact).values())
        for key in list(self._holdings[device.identity]):
            if key not in keys:
                self._end(device.identity, key, item.moment)
        for key in sorted(keys):
            token = self._token(key, item.moment)
            if key not in self._holdings[device.identity]:
                self._take_over(device, item, key)
                holding = Holding(device=device, token=token, since=item.moment)
                self._begun.append(holding)
                self._hold(device.identity, key, holding)

    def _token(self, key: tuple, moment: datetime | None) -> PushToken:
        token = self._tokens.get(key)
        if token is None:
            environment, bundle_id, kind, text = key
            token = PushToken(
                environment=environment,
                bundle_id=bundle_id,
                kind=kind,
                token=text,
                first_seen_at=moment,
            )
            self._tokens[key] = token
        if moment is not None:
            last = token.last_registered_at
            token.last_registered_at = max(last or moment, moment)
        self._touched_tokens[key] = token
        return token

    def _take_over(self, device: Device, item: Judged, key: tuple) -> None:
        """The same token under a new instance of the same AOR: the app was reinstalled."""
        for identity in list(self._holders[key]):
            old = self._devices[identity]
            is_new_instance = old.aor == device.aor and old is not device
            if is_new_instance and old.instance_id != device.instance_id:
                self._end(identity, key, item.moment)
                old.bound = False
                self._changed[identity] = old
                before, after = {"instance_id": old.instance_id}, {}
                after["instance_id"] = device.instance_id
                kind = DeviceEvent.Kind.REINSTALLED
                self._facts.event(
                    device, item, kind, self._tokens.get(key), before, after
                )

    def _end(self, identity: str, key: tuple, moment: datetime | None) -> None:
        holding = self._holdings[identity].pop(key)
        self._holders[key].discard(identity)
        holding.current, holding.until = False, moment
        if holding.pk is not None:
            self._ended.append(holding)

    # Writing

    def _save(self) -> None:
        # Always in the same order: two feeds of one fleet must not lock each other out.
        Device.objects.bulk_create(
            [self._changed[identity] for identity in sorted(self._changed)],
            update_conflicts=True,
            unique_fields=["identity"],
            update_fields=DEVICE_FIELDS,
        )
        PushToken.objects.bulk_create(
            [self._touched_tokens[key] for key in sorted(self._touched_tokens)],
            update_conflicts=True,
            unique_fields=["environment", "bundle_id", "kind", "token"],
            update_fields=["last_registered_at"],
        )
        Holding.objects.bulk_update(self._ended, ["current", "until"])
        Holding.objects.bulk_create(linked(self._begun))
        self._facts.save()


def _key(token: PushToken) -> tuple[str, str, str, str]:
    return token.environment, token.bundle_id, token.kind, token.token
