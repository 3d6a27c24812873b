"""The push parameters of a URI as they stand there, and which of two counts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from .address import uri_params

RFC_8599 = ("pn-provider", "pn-param", "pn-prid")
LEGACY = ("app-id", "pn-type", "pn-tok")
#: What says to whom a push goes; the others say how it is shown (SIP.md §1).
NAMES = frozenset(RFC_8599 + LEGACY)
OTHERS = frozenset(
    {
        "pn-call-accepted-elsewhere-str",
        "pn-call-declined-elsewhere-str",
        "pn-call-remote-push-interval",
        "pn-call-snd",
        "pn-call-str",
        "pn-groupchat-str",
        "pn-missing-call-str",
        "pn-msg-snd",
        "pn-msg-str",
        "pn-mwi-str",
        "pn-silent",
        "pn-timeout",
    }
)
#: getParamValue of Flexisip reads into 255 bytes, the last of them the end of the text.
LONGEST_VALUE = 254
#: What C++'s stoi makes a number of; it must also fit into 32 bits.
NUMBER = re.compile(r"\s*([+-]?[0-9]{1,20})")


@dataclass(frozen=True, slots=True)
class Problem:
    """A broken rule: its short name, and the words for a person."""

    rule: str
    detail: str


def values_of(uri: str) -> tuple[dict[str, str], list[Problem]]:
    """Parameter → value as received, and what is wrong with names and values. The first of
    two counts, for Flexisip too.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for written, _, value in uri_params(uri):
        name = _name_of(written)
        if name is None:
            continue
        if name in found:
            if name in NAMES:
                detail = f"{name} stands twice; the first counts"
                problems.append(Problem("parameter_twice", detail))
            continue
        found[name] = value
        if is_too_long(value):
            detail = f"{name} is longer than {LONGEST_VALUE} bytes"
            problems.append(Problem("value_too_long", detail))
    problems += _about_timeout(found)
    return found, problems


@lru_cache(1024)
def _name_of(written: str) -> str | None:
    """The name as we know it: names are compared unescaped and without case."""
    name = unquote(written).lower()
    return name if name in NAMES or name in OTHERS else None


def is_too_long(value: str) -> bool:
    """True for a value that Flexisip cannot use."""
    return len(value) > LONGEST_VALUE or len(value.encode()) > LONGEST_VALUE


def is_number(value: str) -> bool:
    """True where Flexisip finds a number of 32 bits at the beginning."""
    found = NUMBER.match(value)
    return found is not None and -(2**31) <= int(found[1]) < 2**31


def _about_timeout(found: dict[str, str]) -> Iterable[Problem]:
    value = unquote(found.get("pn-timeout", ""))
    if value and not is_too_long(value) and not is_number(value):
        yield Problem("pn_timeout", f"'pn-timeout' reads '{value[:40]}', no number")
