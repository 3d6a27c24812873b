"""Every text format: its name, a line that only it has, and how its reader is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from registrations.formats import (
    asterisk,
    flexisip,
    kamailio,
    linphone,
    sipdump,
    sofia,
)
from registrations.formats.carried import CARRIERS, CRI, Carried, Cri, Within
from registrations.formats.flexisip_events import FlexisipEvents
from registrations.formats.form import Format
from registrations.formats.journal import JournalExport
from registrations.formats.jsonlog import JsonLog
from registrations.formats.logcat import Logcat
from registrations.formats.maybe_lined import MaybeLined
from registrations.formats.once import Once
from registrations.formats.opensips import OpenSips
from registrations.formats.plain import Plain
from registrations.formats.printers import TCPDUMP_LINE, Ngrep, Tcpdump
from registrations.formats.reader import Reader
from registrations.formats.stamps import Stamps
from registrations.formats.syslog import Syslog
from registrations.formats.text import Bare
from registrations.formats.turning import PRINTED, TIMELESS, Turning
from registrations.formats.wrapped import WrappedReader, Wrapper
from registrations.formats.xlog import Template
from registrations.sip import without_groups

SIP_LINE = re.compile(rb"(?:[^\s:]+ +\S.* SIP/\d\.\d|SIP/2\.0 \d{3}.*)\s*$")


AnyLogReader = Reader | WrappedReader | Once | sipdump.Sipdump | Carried | MaybeLined


@dataclass(frozen=True, slots=True)
class Kind:
    """`shape` matches a line of a log of this kind and of no kind behind it in `KINDS`."""

    name: str
    shape: re.Pattern[bytes] | Within
    make: Callable[[Stamps, Template, int], AnyLogReader]


def kind_of(line: bytes) -> str | None:
    """The name of the first kind that has such a line."""
    return next((kind.name for kind in KINDS if kind.shape.match(line)), None)


def _direct(form: Callable[[Stamps], Format]):
    return lambda stamps, _, position: Reader(form(stamps), position, kind_of)


def _xlog(form: Callable[[Stamps, Template], Format]):
    def make(stamps: Stamps, template: Template, position: int) -> Once:
        return Once(Reader(form(stamps, template), position, kind_of), template)

    return make


def _own(reader: Callable[[int], sipdump.Sipdump]):
    return lambda stamps, _, position: reader(position)


def _wrapped_reader(
    wrapper: Wrapper, position: int, template: Template
) -> WrappedReader:
    return WrappedReader(wrapper, position, template, _turning(wrapper))


def _turning(wrapper: Wrapper) -> Turning:
    return Turning(wrapper.name, wrapper.header, kind_of, _shapes())


@lru_cache(1)
def _shapes() -> re.Pattern[bytes]:
    """Matches what `kind_of` may have a name for. Compiled only where it is needed: that is
    a tenth of a start.
    """
    kinds = (kind for kind in _ALONE if kind.name not in TIMELESS)
    return re.compile(b"|".join(without_groups(kind.shape.pattern) for kind in kinds))


def _carrier(wrapper: Callable[[Stamps], Wrapper]):
    """What may hold whole messages, or another log line by line."""

    def make(stamps: Stamps, template: Template, position: int) -> MaybeLined:
        reader = _wrapped_reader(wrapper(stamps), position, template)
        lined = LINED[wrapper.name]

        def carried(name: str, at: int) -> Carried:
            kind = next(kind for kind in lined if kind.name == name)
            return kind.make(stamps, template, at)

        def lined_kind_of(line: bytes) -> str | None:
            return next((kind.name for kind in lined if kind.shape.match(line)), None)

        once = Once(reader, template)
        return MaybeLined(reader, once, lined_kind_of, carried)

    return make


def _wrapped(wrapper: Callable[[Stamps], Wrapper]):
    def make(stamps: Stamps, template: Template, position: int) -> Once:
        reader = _wrapped_reader(wrapper(stamps), position, template)
        return Once(reader, template)

    return make


def _carried(carrier: Callable[[Stamps], Wrapper], inner: Kind) -> Kind:
    """The log of `inner`, each of its lines in a record of a carrier."""
    name = f"{carrier.name}+{inner.name}"

    def make(stamps: Stamps, template: Template, position: int) -> Carried:
        reader = inner.make(stamps, template, 0)
        wrapper = carrier(stamps)
        turning = _turning(wrapper)
        return Carried(name, wrapper, reader, inner.shape, position, turning)

    return Kind(name, Within(carrier(Stamps()), inner.shape), make)


_ALONE = (
    Kind("flexisip", flexisip.PREFIX, _direct(flexisip.Flexisip)),
    Kind(
        "kamailio",
        kamailio.PREFIX,
        _xlog(lambda _, template: kamailio.Kamailio(template)),
    ),
    Kind("flexisip-events", FlexisipEvents.prefix, _direct(FlexisipEvents)),
    Kind("asterisk", asterisk.SHAPE, _direct(asterisk.Asterisk)),
    Kind("linphone", linphone.PREFIX, _direct(linphone.Linphone)),
    Kind("logcat", Logcat.header, _wrapped(Logcat)),
    Kind("opensips", OpenSips.prefix, _xlog(OpenSips)),
    Kind("sipdump", sipdump.SHAPE, _own(sipdump.Sipdump)),
    Kind("sofia", sofia.SHAPE, _wrapped(sofia.Sofia)),
    Kind("journal-export", JournalExport.header, _carrier(JournalExport)),
    Kind("json", JsonLog.header, _carrier(JsonLog)),
    Kind("tcpdump", TCPDUMP_LINE, _wrapped(Tcpdump)),
    Kind("ngrep", Ngrep.header, _wrapped(Ngrep)),
    Kind("cri", CRI, _carrier(Cri)),
    Kind("syslog", Syslog.header, _carrier(Syslog)),
    Kind("cat", Bare.prefix, _xlog(lambda _, template: Bare(template))),
    Kind("plain", SIP_LINE, _direct(lambda _: Plain())),
)
#: `cat` is a log whose prefix the carrier took off, and Asterisk's arrows need none: whole
#: records begin like that too, so a line of these never decides.
_UNDECIDED = ("asterisk", "cat")
#: Of each carrier the logs it may carry line by line.
LINED = {
    carrier.name: [
        _carried(carrier, kind) for kind in _ALONE if kind.name in (*PRINTED, "cat")
    ]
    for carrier in CARRIERS
}
_DECIDING = [
    kind
    for lined in LINED.values()
    for kind in lined
    if not kind.name.endswith(_UNDECIDED)
]
#: In the order they are tried on each line; the first line that is of any kind decides.
KINDS = (
    *_DECIDING,
    *_ALONE,
    *(one for lined in LINED.values() for one in lined if one not in _DECIDING),
)
BY_NAME = {kind.name: kind for kind in KINDS}
