"""Whose binding is it: the latest one of each phone, with what a known device fills in.

Asterisk keeps no instance; Flexisip with use-global-domain keeps no domain. The devices we
know fill the gap; where none can be meant for sure, the binding stands for itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from registrations import devices
from registrations.bindings import Binding
from registrations.models import Device, Holding
from registrations.sip import Contact, Register, read_contact
from registrations.storable import storable

MERGED = "@merged"
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A binding as the REGISTER that could have made it."""

    binding: Binding
    register: Register

    @property
    def contact(self) -> Contact:
        """Its one Contact."""
        return self.register.contacts[0]

    @property
    def identity(self) -> str:
        """The identity of its device."""
        return devices.identify(self.register.aor, self.contact)

    @property
    def place(self) -> str:
        """What two entries of one phone share: Kamailio and Asterisk keep an old binding
        beside the one that a changed token made.
        """
        if self.contact.instance_id:
            return self.identity
        return f"{self.register.aor} {address_of(self.contact.uri)}"

    @property
    def age(self) -> tuple:
        """Of two entries of one phone, the greater is the later."""
        start, end = self.binding.updated_at, self.binding.expires_at
        return start or NEVER, end or NEVER, self.register.cseq


def read_entry(binding: Binding) -> Entry:
    """The entry of a binding."""
    register = Register(
        aor=binding.aor,
        call_id=binding.call_id or "",
        cseq=binding.cseq or 0,
        expires=None,
        user_agent=binding.user_agent,
        contacts=(read_contact(binding.contact),),
        authorized=False,
    )
    return Entry(binding=binding, register=storable(register))


def latest(entries: Iterable[Entry]) -> list[Entry]:
    """The latest entry of each phone, in the order of time.

    Of a phone with two where nothing tells which is later there is none: Asterisk does not
    say when a phone registered, and a wrong token is worse than none.
    """
    places: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        places[entry.place].append(entry)
    found = [
        max(same, key=lambda entry: entry.age)
        for same in places.values()
        if not _is_ambiguous(same)
    ]
    return sorted(found, key=lambda entry: entry.age)


def _is_ambiguous(entries: list[Entry]) -> bool:
    tokens = {tuple(sorted(one.contact.tokens.items())) for one in entries}
    is_dated = all(one.binding.updated_at for one in entries)
    return len(tokens) > 1 and not is_dated


def address_of(uri: str) -> str:
    """`user@host:port` of a URI: where a phone without an instance is reached."""
    return uri.partition(":")[2].partition(";")[0].partition("?")[0].lower()


class Known:
    """The devices that some entries may belong to: `devices` by identity."""

    def __init__(self, entries: list[Entry]) -> None:
        self.devices: dict[str, Device] = {}
        self._of_aor: dict[str, list[Device]] = defaultdict(list)
        aors = {entry.register.aor for entry in entries}
        for device in Device.objects.filter(aor__in=aors):
            self.devices[device.identity] = device
            self._of_aor[device.aor].append(device)
        self._of_instance = self._find_merged(entries)
        self._holders = _holders(
            [one for one in entries if not one.contact.instance_id]
        )

    def completed(self, entry: Entry) -> Entry | None:
        """The entry with the AOR or the instance of its device; None: it is outdated."""
        instance_id = entry.contact.instance_id
        if entry.register.aor.endswith(MERGED) and instance_id:
            user = entry.register.aor.removesuffix(MERGED)
            device = self._of_instance.get((user, instance_id))
            return _of_aor(entry, device.aor) if device else entry
        return entry if instance_id else self._of_a_phone(entry)

    def _of_a_phone(self, entry: Entry) -> Entry | None:
        holders = [
            holder
            for key in devices.token_keys(entry.contact).values()
            for holder in self._holders[entry.register.aor, key]
        ]
        current = [device for device, is_current in holders if is_current]
        if current:
            return _of_instance(entry, current[0].instance_id)
        if holders:
            return None  # its token was given up since
        reached = [
            device
            for device in self._of_aor[entry.register.aor]
            if address_of(device.contact) == address_of(entry.contact.uri)
        ]
        is_sure = len(reached) == 1
        return _of_instance(entry, reached[0].instance_id) if is_sure else entry

    def _find_merged(self, entries: list[Entry]) -> dict[tuple, Device]:
        instances = {
            entry.contact.instance_id
            for entry in entries
            if entry.register.aor.endswith(MERGED) and entry.contact.instance_id
        }
        found = {}
        for device in Device.objects.filter(instance_id__in=instances).order_by("id"):
            found[device.aor.rpartition("@")[0], device.instance_id] = device
            self.devices[device.identity] = device
        return found


def _holders(entries: list[Entry]) -> dict[tuple, list[tuple[Device, bool]]]:
    """(AOR, token key) → who holds or held it, holders first."""
    keys = {key for one in entries for key in devices.token_keys(one.contact).values()}
    found = defaultdict(list)
    held = Holding.objects.filter(token__token__in={key[3] for key in keys})
    for row in held.select_related("token", "device").order_by("-current", "-id"):
        token = row.token
        key = (token.environment, token.bundle_id, token.kind, token.token)
        found[row.device.aor, key].append((row.device, row.current))
    return found


def _of_aor(entry: Entry, aor: str) -> Entry:
    return replace(entry, register=entry.register._replace(aor=aor))


def _of_instance(entry: Entry, instance_id: str | None) -> Entry:
    contacts = (replace(entry.contact, instance_id=instance_id),)
    return replace(entry, register=entry.register._replace(contacts=contacts))
