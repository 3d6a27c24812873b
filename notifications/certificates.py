"""Apple's push certificates: what a `.p12` or `.pem` file holds, and what it may be used for.

Apple's extensions (1.2.840.113635.100.6.3): .1 development, .2 production, .6 the topics of a
certificate for several; else the subject's UID is the one topic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.utils.formats import date_format
from django.utils.translation import gettext

APPLE = "1.2.840.113635.100.6.3."
ENVIRONMENTS = {"sandbox": APPLE + "1", "production": APPLE + "2"}
TOPICS = APPLE + "6"
UTF8_STRING, SEQUENCE = 0x0C, 0x30


class BadCertificate(Exception):
    """A file that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushCertificate:
    """What a file holds. `pem`: certificate, chain and private key. `topics` and
    `environments` are empty where the certificate names none.
    """

    pem: str
    name: str
    expires_at: datetime
    topics: tuple[str, ...]
    environments: frozenset[str]


def read_certificate(data: bytes, password: str, now: datetime) -> PushCertificate:
    """Read an uploaded file. Raises BadCertificate."""
    key, leaf, chain = _opened(data, password.encode() or None)
    if key is None or leaf is None:
        raise BadCertificate(
            gettext("it must hold both the certificate and its private key")
        )
    if _public(key.public_key()) != _public(leaf.public_key()):
        raise BadCertificate(gettext("the private key is not that of the certificate"))
    if leaf.not_valid_after_utc <= now:
        day = date_format(leaf.not_valid_after_utc, "d F Y")
        raise BadCertificate(gettext("it expired on %(day)s") % {"day": day})
    return PushCertificate(
        pem=_pem(key, [leaf, *chain]),
        name=_named(leaf, NameOID.COMMON_NAME),
        expires_at=leaf.not_valid_after_utc,
        topics=_topics(leaf),
        environments=frozenset(
            name for name, oid in ENVIRONMENTS.items() if _extension(leaf, oid)
        ),
    )


def _opened(data: bytes, password: bytes | None):
    """Private key, its certificate, the rest of the chain."""
    is_pem = b"-----BEGIN" in data
    try:
        if not is_pem:
            return pkcs12.load_key_and_certificates(data, password)
        key = serialization.load_pem_private_key(_key_part(data), password)
        found = x509.load_pem_x509_certificates(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        kind = ".pem" if is_pem else ".p12"
        told = gettext("it is no %(kind)s file, or the password is wrong: %(why)s")
        raise BadCertificate(told % {"kind": kind, "why": error}) from error
    mine = [
        one for one in found if _public(one.public_key()) == _public(key.public_key())
    ]
    return key, next(iter(mine), None), [one for one in found if one not in mine]


def _key_part(data: bytes) -> bytes:
    """The PEM block of the private key; Apple's exports have certificate and key in one."""
    for block in data.split(b"-----BEGIN "):
        if block.split(b"-----", 1)[0].endswith(b"PRIVATE KEY"):
            return b"-----BEGIN " + block
    raise ValueError(gettext("it holds no private key"))


def _public(key) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _pem(key, certificates: list[x509.Certificate]) -> str:
    parts = [one.public_bytes(serialization.Encoding.PEM) for one in certificates]
    parts.append(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return b"".join(parts).decode()


def _named(leaf: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = leaf.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""


def _extension(leaf: x509.Certificate, oid: str) -> bytes | None:
    """The raw value of an extension, None without it."""
    for one in leaf.extensions:
        if one.oid.dotted_string == oid:
            return one.value.public_bytes()
    return None


def _topics(leaf: x509.Certificate) -> tuple[str, ...]:
    value = _extension(leaf, TOPICS)
    if value is not None:
        return _strings_of(value)
    uid = _named(leaf, NameOID.USER_ID)
    return (uid,) if uid else ()


def _strings_of(value: bytes) -> tuple[str, ...]:
    """The strings of a SEQUENCE, in which each is followed by a SEQUENCE (DER)."""
    tag, inside, _ = _element(value)
    found = []
    while tag == SEQUENCE and inside:
        kind, content, inside = _element(inside)
        if kind == UTF8_STRING:
            found.append(content.decode())
    return tuple(found)


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows of the first DER element (X.690 §8.1)."""
    if len(data) < 2:
        raise BadCertificate(gettext("its list of topics is cut short"))
    size, start = data[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(data[2:start])
    return data[0], data[start : start + size], data[start + size :]
