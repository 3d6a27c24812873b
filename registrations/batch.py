"""One batch of judged REGISTERs → rows. Reads what it needs in few queries, changes it in
memory in the order of the log, and writes it in bulk inside the caller's transaction.
"""

from __future__ import annotations

from datetime import datetime

from registrations import devices
from registrations.bulk import select
from registrations.facts import Facts, Judged
from registrations.holdings import LOSS_AFTER, Holdings, Turn
from registrations.known import (
    HOLDING,
    DeviceRow,
    TokenKey,
    TokenRow,
    devices_by_id,
    devices_of,
    load_holdings,
    tokens_like,
    voip_of,
)
from registrations.models import DeviceEvent, Feed, Registration
from registrations.saving import save_devices, save_holdings, save_repeats, save_tokens
from registrations.sip import Contact

DUE = (
    f"SELECT DISTINCT device_id FROM {HOLDING}"
    " WHERE missing_feed_id = %s AND missing_since < %s"
)


class Batch:
    """The rows one transaction reads, changes and writes."""

    def __init__(self, feed: Feed, read_at: datetime) -> None:
        self._feed, self._feed_id = feed, feed.pk
        self._devices: dict[str, DeviceRow] = {}
        #: Those of the AORs whose holdings are loaded.
        self._of_aor: dict[str, list[DeviceRow]] = {}
        self._changed: dict[str, DeviceRow] = {}
        #: Those of which all that was read repeats what they have, by their id.
        self._refreshed: dict[int, DeviceRow] = {}
        self._tokens: dict[TokenKey, TokenRow] = {}
        #: By the Contact's id(): the items of the batch hold it.
        self._keys: dict[int, dict[str, TokenKey]] = {}
        self._identities: dict[tuple[str, int], str] = {}
        #: AORs whose holdings are loaded: not all that is read of them repeats what is held.
        self._loaded: set[str] = set()
        self._holdings = Holdings()
        self._facts = Facts(feed, read_at)

    def write(self, items: list[Judged]) -> list[Judged]:
        """Apply the items in order and write every row they touch. Those that do not only
        repeat what their device has come back.
        """
        self._keys.clear()
        self._identities.clear()
        self._facts.prepare(items)
        repeated = self._load(items)
        for item, found in zip(items, repeated, strict=True):
            if found is None or item.register.aor in self._loaded:
                self._take(item)
            else:
                self._refresh(item, found)
        self._save()
        return _news(items, repeated)

    def settle(self, until: datetime) -> None:
        """End the tokens this feed has missed for too long by log time `until`.

        A device another process has in hand is left for the next batch.
        """
        due = select(DUE, [self._feed_id, until - LOSS_AFTER])
        if due:
            self._devices = devices_by_id([row[0] for row in due])
            self._load_holdings({device.aor for device in self._devices.values()})
            for device in self._devices.values():
                self._holdings.settle(device, until)
            self._save()

    # Loading

    def _load(self, items: list[Judged]) -> list[list[DeviceRow] | None]:
        """Of each item the devices whose Contacts it repeats; None where one is news."""
        self._devices = devices_of({item.register.aor for item in items})
        repeated = [self._repeated(item) for item in items]
        news = _news(items, repeated)
        self._load_holdings({item.register.aor for item in news})
        keys = {
            key
            for item in news
            for contact in item.register.contacts
            for key in self._keys_of(contact).values()
        }
        self._tokens.update(tokens_like(keys - self._tokens.keys()))
        return repeated

    def _load_holdings(self, aors: set[str]) -> None:
        self._loaded |= aors
        found = [device for device in self._devices.values() if device.aor in aors]
        load_holdings(found)
        for device in found:
            self._of_aor.setdefault(device.aor, []).append(device)
            self._holdings.know(device)
            for key, holding in device.holdings.items():
                # One row a token, whoever holds it.
                holding.token = self._tokens.setdefault(key, holding.token)

    def _repeated(self, item: Judged) -> list[DeviceRow] | None:
        """The devices of its Contacts, where each has its Contact already."""
        if item.is_refused:
            return None
        found, aor = [], item.register.aor
        for contact in item.register.contacts:
            device = self._devices.get(devices.identify(aor, contact))
            if not devices.repeats(device, contact) or not self._expires_of(contact):
                return None
            found.append(device)
        return found

    def _expires_of(self, contact: Contact) -> int:
        asked = contact.expires
        return self._feed.default_expires if asked is None else asked

    def _keys_of(self, contact: Contact) -> dict[str, TokenKey]:
        """The keys of its tokens, by kind: asked for again and again."""
        keys = self._keys.get(id(contact))
        if keys is None:
            keys = self._keys[id(contact)] = devices.token_keys(contact)
        return keys

    def _identity(self, aor: str, contact: Contact) -> str:
        """Who its device is: asked for twice."""
        known = self._identities.get((aor, id(contact)))
        if known is None:
            known = devices.identify(aor, contact)
            self._identities[aor, id(contact)] = known
        return known

    # One REGISTER

    def _refresh(self, item: Judged, repeated: list[DeviceRow]) -> None:
        """Nearly all of them say what their devices have already."""
        register = item.register
        for device, contact in zip(repeated, register.contacts, strict=True):
            self._refreshed[device.id] = device
            self._see(device, item)
            expires = self._expires_of(contact)
            if item.accepted and not devices.is_stale(device, register, item.as_of):
                devices.prolong(device, register, moment=item.moment, expires=expires)
                _rest_on(item, device)
            if not item.is_same:
                self._facts.refresh(device, item, expires)

    def _take(self, item: Judged) -> None:
        register = item.register
        for contact in register.contacts:
            if contact.uri == "*":
                self._clear(item)
            elif not devices.is_leftover(contact, register):
                self._contact(item, contact)

    def _clear(self, item: Judged) -> None:
        """`Contact: *` with Expires 0 ends every binding of the AOR (RFC 3261 §10.2.2)."""
        if not item.accepted or item.register.expires != 0:
            return
        for device in self._of_aor.get(item.register.aor, []):
            if device.bound and not devices.is_stale(device, item.register, item.as_of):
                device.bound = False
                self._change(device, item)
                self._log_out(device, item)
                kind = Registration.Kind.UNREGISTERED
                self._facts.registration(device, item, kind, 0, is_news=True)

    def _contact(self, item: Judged, contact: Contact) -> None:
        device = self._device(item, contact)
        self._change(device, item)
        if item.accepted:
            self._accept(device, item, contact)
        elif item.is_refused:
            devices.refuse(device, contact, item.status, item.moment)
        if not item.is_same:
            voip = self._tokens.get(self._keys_of(contact).get("voip"))
            self._facts.sighting(device, item, voip)

    def _device(self, item: Judged, contact: Contact) -> DeviceRow:
        aor = item.register.aor
        identity = self._identity(aor, contact)
        device = self._devices.get(identity)
        if device is None:
            device = DeviceRow(
                identity=identity,
                aor=aor,
                instance_id=contact.instance_id,
                contact=contact.uri,
                user_agent=item.register.user_agent or "",
                first_seen_at=item.moment,
            )
            self._devices[identity] = device
            self._of_aor.setdefault(aor, []).append(device)
        return device

    def _change(self, device: DeviceRow, item: Judged) -> None:
        self._changed[device.identity] = device
        self._see(device, item)

    def _see(self, device: DeviceRow, item: Judged) -> None:
        device.feed_id = self._feed_id
        moment = item.moment
        if moment and (device.last_seen_at is None or moment > device.last_seen_at):
            device.last_seen_at = moment

    def _accept(self, device: DeviceRow, item: Judged, contact: Contact) -> None:
        expires = self._expires_of(contact)
        if devices.is_stale(device, item.register, item.as_of):
            kind, is_news = Registration.Kind.REFRESHED, False
        else:
            is_news = self._bring_up(device, item, contact, expires)
            kind = Registration.Kind.REFRESHED
            kind = Registration.Kind.REGISTERED if is_news else kind
            kind = Registration.Kind.UNREGISTERED if expires == 0 else kind
        if not item.is_same:
            is_news = is_news or kind == Registration.Kind.UNREGISTERED
            self._facts.registration(device, item, kind, expires, is_news=is_news)

    def _bring_up(
        self, device: DeviceRow, item: Judged, contact: Contact, expires: int
    ) -> bool:
        """Bring device and holdings up to an accepted Contact; True when it is news."""
        was_bound, turns = device.bound, len(self._holdings.turns)
        moment = item.moment
        self._holdings.settle(device, moment)
        if expires > 0:
            tokens = self._tokens_of(contact, moment)
            self._holdings.carry(device, tokens, moment, item.position)
        is_news = devices.apply(
            device, contact, item.register, moment=moment, expires=expires
        )
        _rest_on(item, device)
        if was_bound and expires == 0:
            self._log_out(device, item)
        return is_news or len(self._holdings.turns) > turns

    def _tokens_of(self, contact: Contact, moment: datetime | None) -> list[TokenRow]:
        rows = []
        for key in self._keys_of(contact).values():
            token = self._tokens.get(key)
            if token is None:
                token = self._tokens[key] = TokenRow(
                    key, first_seen_at=moment, last_registered_at=moment
                )
            rows.append(token)
        return rows

    def _log_out(self, device: DeviceRow, item: Judged) -> None:
        self._holdings.turns.append(
            Turn(
                device=device,
                kind=DeviceEvent.Kind.LOGGED_OUT,
                moment=item.moment,
                position=item.position,
                before={"bound": True},
                after={"bound": False},
            )
        )

    # Writing

    def _save(self) -> None:
        held = self._holdings.touched
        for device, _ in held:
            self._changed[device.identity] = device
        save_tokens(self._holdings.tokens.values())
        for device in self._changed.values():
            device.voip_id = voip_of(device)
        save_devices(self._changed.values())
        save_repeats(self._refreshed.values())
        save_holdings(held, self._feed_id)
        self._facts.save(self._holdings.turns)


def _news(items: list[Judged], repeated: list[list[DeviceRow] | None]) -> list[Judged]:
    return [item for item, found in zip(items, repeated, strict=True) if found is None]


def _rest_on(item: Judged, device: DeviceRow) -> None:
    """The row rests on this item now, which may be a registrar's listing or assumed."""
    device.assumed = item.assumed
    if item.held is not None:
        device.expires_at = item.held.until
