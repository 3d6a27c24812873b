"""What phones did in calls → signs of life: answers of their own branch, dialogs, BYEs.

Whose branch it was is told by the INVITE's target, by the instance or by the address that
answered, among the devices of the AOR that was called: never by the Call-ID, for another
phone may have answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from registrations import partitions
from registrations.branches import Answered, Heard
from registrations.bulk import copy_into, select
from registrations.facts import SIGHTING
from registrations.formats.record import Hangup
from registrations.models import Feed, Sighting
from registrations.readings import note_reading
from registrations.sip import uri_params

DEVICES = """
    SELECT id, aor, contact, instance_id FROM registrations_device WHERE aor = ANY(%s)
"""
DIALOGS = """
    SELECT DISTINCT call_id, device_id FROM registrations_sighting
    WHERE call_id = ANY(%s) AND kind = 'answer' AND code BETWEEN 200 AND 299
"""
TWINS = """
    SELECT device_id, kind, call_id, code, moment FROM registrations_sighting
    WHERE device_id = ANY(%s) AND moment = ANY(%s) AND feed_id = %s
"""
ANSWER = Sighting.Kind.ANSWER.value
DIALOG = Sighting.Kind.DIALOG.value
ENDED = Sighting.Kind.ENDED.value


class Phone(NamedTuple):
    """A device as a call can name it."""

    id: int
    aor: str
    contact: str
    instance_id: str | None


class Sign(NamedTuple):
    """A sign of life to be stored."""

    device: int
    kind: str
    call_id: str
    code: int | None
    moment: datetime
    position: int
    file_id: int
    line: str


class Calling:
    """The signs of life of one batch, for one feed read at `read_at`."""

    def __init__(self, feed: Feed, read_at: datetime, heard: Sequence[Heard]) -> None:
        self._feed, self._read_at = feed, read_at
        self._heard = [one for one in heard if _at(one.what) is not None]

    def prepare(self) -> None:
        """Make the partitions of their days, before any row is locked."""
        partitions.ensure(
            partitions.day_of(_at(one.what), self._read_at) for one in self._heard
        )

    def write(self) -> None:
        """Store them, each once, and tell whoever looks for news."""
        if not self._heard:
            return
        signs = self._signs()
        if not signs:
            return
        stored = self._stored(signs)
        new = [sign for sign in signs if _ident(sign) not in stored]
        copy_into(Sighting._meta.db_table, SIGHTING, map(self._row, new))
        news = ((sign.device, None, sign.moment) for sign in new)
        note_reading(self._feed, news, self._read_at)

    def _signs(self) -> list[Sign]:
        answered = [one for one in self._heard if isinstance(one.what, Answered)]
        aors = {
            aor
            for one in answered
            for aor in (one.what.branch.to_aor, one.what.branch.from_aor)
        }
        phones = [Phone(*row) for row in select(DEVICES, [list(aors)])] if aors else []
        signs = [sign for one in answered for sign in _told(one, phones)]
        talking = {(sign.call_id, sign.device) for sign in signs if _is_dialog(sign)}
        return [*signs, *self._ended(talking)]

    def _ended(self, talking: set[tuple[str, int]]) -> list[Sign]:
        hangups = [one for one in self._heard if isinstance(one.what, Hangup)]
        if not hangups:
            return []
        calls = list({one.what.call_id for one in hangups})
        talking = talking | {tuple(row) for row in select(DIALOGS, [calls])}
        devices: dict[str, list[int]] = {}
        for call_id, device in sorted(talking):
            devices.setdefault(call_id, []).append(device)
        return [
            Sign(
                device,
                ENDED,
                one.what.call_id,
                None,
                one.what.at,
                one.what.position,
                one.file_id,
                "BYE",
            )
            for one in hangups
            for device in devices.get(one.what.call_id, ())
        ]

    def _stored(self, signs: list[Sign]) -> set[tuple]:
        """What a log that is read again has told already."""
        devices = list({sign.device for sign in signs})
        moments = list({sign.moment for sign in signs})
        return {tuple(row) for row in select(TWINS, [devices, moments, self._feed.pk])}

    def _row(self, sign: Sign) -> tuple:
        skew_ms = self._feed.skew // timedelta(milliseconds=1)
        return (
            sign.device,
            None,
            sign.kind,
            sign.code,
            skew_ms,
            sign.line,
            partitions.day_of(sign.moment, self._read_at),
            sign.moment,
            False,
            self._feed.pk,
            sign.file_id,
            sign.position,
            sign.call_id,
        )


def whose(answered: Answered, phones: Iterable[Phone]) -> Phone | None:
    """The device whose branch answered; None where none or several can be meant."""
    branch, response = answered.branch, answered.response
    own = [phone for phone in phones if phone.aor == branch.to_aor]
    return (
        _only(phone for phone in own if _is_at(phone.contact, branch.target))
        or _only(phone for phone in own if _shares_token(phone.contact, branch.target))
        or _only(
            phone
            for phone in own
            if response.instance_id and phone.instance_id == response.instance_id
        )
        or _only(
            phone
            for phone in own
            if response.source and _place(phone.contact)[1] == _peer(response.source)
        )
    )


def _told(one: Heard, phones: list[Phone]) -> Iterable[Sign]:
    branch, response = one.what
    facts = (response.call_id, response.status, response.at, response.position)
    phone = whose(one.what, phones)
    if phone is not None:
        yield _sign(phone, ANSWER, one, *facts)
    if response.status // 100 == 2:
        # Whoever called is in a dialog from now on.
        caller = _only(
            phone
            for phone in phones
            if phone.aor == branch.from_aor and _is_at(phone.contact, branch.contact)
        )
        if caller is not None:
            yield _sign(caller, DIALOG, one, *facts)


def _sign(phone: Phone, kind: str, one: Heard, call_id, status, at, position) -> Sign:
    line = f"{one.what.response.line} (INVITE - {call_id})"
    return Sign(phone.id, kind, call_id, status, at, position, one.file_id, line)


def _is_dialog(sign: Sign) -> bool:
    return sign.kind == DIALOG or (sign.code or 0) // 100 == 2


def _at(what: Answered | Hangup) -> datetime | None:
    return what.at if isinstance(what, Hangup) else what.response.at


def _ident(sign: Sign) -> tuple:
    return sign.device, sign.kind, sign.call_id, sign.code, sign.moment


def _only(phones: Iterable[Phone]) -> Phone | None:
    found = list(phones)
    return found[0] if len(found) == 1 else None


def _is_at(contact: str, target: str) -> bool:
    return bool(target) and _place(contact) == _place(target)


def _shares_token(contact: str, target: str) -> bool:
    token = _prid(target)
    return token != "" and _prid(contact) == token


def _prid(uri: str) -> str:
    """The value of `pn-prid` (RFC 8599), empty where there is none."""
    values = (value for name, _, value in uri_params(uri) if name.lower() == "pn-prid")
    return next(values, "")


def _place(uri: str) -> tuple[str, str]:
    """User, and host with port, of a SIP URI."""
    _, _, rest = uri.partition(":")
    address = rest.partition("?")[0]
    user, at, host = address.rpartition("@")
    return user.partition(";")[0] if at else "", host.partition(";")[0].lower()


def _peer(source: str) -> str:
    """`udp:192.0.2.7:5061` as host with port."""
    return source.partition(":")[2]
