"""Bindings of a registrar → the same rows that REGISTERs make.

A listing tells who is bound and until when. It is no sign of life and no registration, unless
the registrar published it just now. What a REGISTER told later stays.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.db import transaction

from registrations import devices
from registrations.batch import Batch
from registrations.bindings import Binding
from registrations.facts import Held, Judged
from registrations.matching import Entry, Known, latest, read_entry
from registrations.models import Device, Feed, LogFile
from registrations.sip import Register, read_contact
from registrations.storable import storable

#: AORs in one transaction.
AT_ONCE = 500
#: Registrars count in whole seconds.
ROUNDING = timedelta(seconds=2)
WITHIN_A_SECOND = timedelta(milliseconds=999)
#: A binding without an end lasts until the next listing says otherwise.
NO_END_SECONDS = 2**31


@dataclass(slots=True)
class Counts:
    """What became of the bindings of a listing: how many were `new`, `changed`, …

    `older`: a REGISTER, or another binding of the phone, told of later, or may have.
    """

    stored: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        names = ("new", "changed", "changed expiry", "unchanged", "older", "expired")
        return ", ".join(f"{self.stored[name]} {name}" for name in names)

    def add(self, other: Counts) -> None:
        """These count too."""
        self.stored.update(other.stored)


class Bindings:
    """Stores bindings of one feed. `file` stands for the listing."""

    def __init__(self, feed: Feed, file: LogFile) -> None:
        self._feed, self._file = feed, file

    def store(self, bindings: Iterable[Binding], now: datetime) -> Counts:
        """Bring the devices up to what the bindings say, some AORs a transaction."""
        counts = Counts()
        for group in _groups(bindings):
            counts.add(self._group(group, now, lambda binding: None))
        return counts

    def publish(self, bindings: list[Binding], heard_at: datetime) -> Counts:
        """The registrar said just now that an AOR changed: what is new there registered."""
        return self._group(
            bindings, heard_at, lambda binding: registered_at(binding, heard_at)
        )

    def unbind(self, gone: list[Device], at: datetime) -> None:
        """The registrar holds no binding of these devices any more."""
        if gone:
            with transaction.atomic():
                items = [self._judged_gone(device, at) for device in gone]
                Batch(self._feed, at).write(items)

    def _group(
        self,
        bindings: list[Binding],
        now: datetime,
        moment_of: Callable[[Binding], datetime | None],
    ) -> Counts:
        counts = Counts()
        with transaction.atomic():
            entries, known = _latest(bindings, now, counts)
            items = []
            for entry in entries:
                word = _news(known.devices.get(entry.identity), entry)
                counts.stored[word] += 1
                if word in ("new", "changed"):
                    items.append(self._judged(entry, moment_of(entry.binding)))
            if items:
                Batch(self._feed, now).write(items)
        return counts

    def _judged(self, entry: Entry, moment: datetime | None) -> Judged:
        binding = entry.binding
        as_of, end = _as_of(binding), binding.expires_at
        seconds = NO_END_SECONDS if end is None else (end - as_of).total_seconds()
        contact = replace(entry.contact, expires=max(1, round(seconds)))
        return self._item(
            entry.register._replace(contacts=(contact,)),
            raw=f"Binding of {binding.aor}: {binding.contact}".encode(),
            moment=moment or binding.updated_at,
            is_same=moment is None,
            held=Held(until=end, at=as_of),
        )

    def _judged_gone(self, device: Device, at: datetime) -> Judged:
        contact = replace(
            read_contact(f"<{device.contact}>"),
            instance_id=device.instance_id,
            expires=0,
        )
        register = Register(
            aor=device.aor,
            call_id="",  # the REGISTER that bound it counts no more
            cseq=0,
            expires=0,
            user_agent=None,
            contacts=(contact,),
            authorized=False,
        )
        held = Held(until=at, at=at)
        return self._item(
            storable(register), raw=b"", moment=None, is_same=True, held=held
        )

    def _item(self, register: Register, **values) -> Judged:
        return Judged(
            register=register,
            file_id=self._file.pk,
            position=self._file.position,
            estimated=False,
            status=200,
            accepted=True,
            assumed=False,
            **values,
        )


def registered_at(binding: Binding, heard_at: datetime) -> datetime | None:
    """When a phone registered whose binding was published at `heard_at`.

    Flexisip writes whole seconds: the REGISTER came within that second, and before we heard
    of it. Cut off at the second it would seem older than the push it answered.
    """
    if binding.updated_at is None:
        return None
    return max(binding.updated_at, min(heard_at, binding.updated_at + WITHIN_A_SECOND))


def _news(device: Device | None, entry: Entry) -> str:
    """What the entry is to the device's row: a word of Counts."""
    register, binding = entry.register, entry.binding
    if device is None:
        return "new"
    if is_same_registration(device, entry):
        return _granted(device, binding)
    is_stale = devices.is_stale(device, register, _as_of(binding))
    return "older" if is_stale else "changed"


def _granted(device: Device, binding: Binding) -> str:
    """Of a REGISTER we know the registrar's expiry counts where it is the shorter."""
    end, told = device.expires_at, binding.expires_at
    if not device.bound:
        return "older"
    if told is None or (end is not None and told >= end - ROUNDING):
        return "unchanged"
    Device.objects.filter(pk=device.pk).update(expires_at=told)
    return "changed expiry"


def _as_of(binding: Binding) -> datetime:
    """The last moment at which the phone can have sent what made this binding."""
    return registered_at(binding, binding.taken_at) or binding.taken_at


def is_same_registration(device: Device, entry: Entry) -> bool:
    """True when the device's row tells of the very REGISTER that made this binding."""
    call_id, cseq = entry.register.call_id, entry.binding.cseq
    return bool(call_id) and device.call_id == call_id and cseq in (None, device.cseq)


def _groups(bindings: Iterable[Binding]) -> Iterator[list[Binding]]:
    by_aor = defaultdict(list)
    for binding in bindings:
        by_aor[binding.aor].append(binding)
    aors = sorted(by_aor)
    for start in range(0, len(aors), AT_ONCE):
        yield [one for aor in aors[start : start + AT_ONCE] for one in by_aor[aor]]


def _latest(
    bindings: list[Binding], now: datetime, counts: Counts
) -> tuple[list[Entry], Known]:
    alive = [read_entry(one) for one in bindings if not one.is_expired(now)]
    known = Known(alive)
    completed = [entry for entry in map(known.completed, alive) if entry is not None]
    entries = latest(completed)
    counts.stored["expired"] += len(bindings) - len(alive)
    counts.stored["older"] += len(alive) - len(entries)
    return entries, known
