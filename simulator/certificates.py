"""Client certificates, as the simulated APNs makes and reads them.

Apple's extensions: 1.2.840.113635.100.6.3.1 development, .2 production, .6 topics. The
subject's UID is the bundle id; a certificate is good for it, `.voip` and `.complication`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simulator.tls import Identity

APPLE = "1.2.840.113635.100.6.3."
ENVIRONMENTS = {"sandbox": APPLE + "1", "production": APPLE + "2"}
SUFFIXES = ("", ".voip", ".complication")
ASN1_NULL = b"\x05\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCertificate:
    """What a client showed; moments are seconds of the epoch."""

    bundle_id: str
    environments: frozenset[str]
    begins_at: float
    ends_at: float

    @property
    def topics(self) -> list[str]:
        """What it may push to."""
        return [self.bundle_id + suffix for suffix in SUFFIXES]


def read(der: bytes) -> ClientCertificate:
    """A certificate whose signature was checked already."""
    found = x509.load_der_x509_certificate(der)
    uid = found.subject.get_attributes_for_oid(NameOID.USER_ID)
    oids = {one.oid.dotted_string for one in found.extensions}
    return ClientCertificate(
        bundle_id=str(uid[0].value) if uid else "",
        environments=frozenset(
            name for name, oid in ENVIRONMENTS.items() if oid in oids
        ),
        begins_at=found.not_valid_before_utc.timestamp(),
        ends_at=found.not_valid_after_utc.timestamp(),
    )


def make(
    identity: Identity,
    bundle_id: str,
    environments: tuple[str, ...] = ("production", "sandbox"),
    life: timedelta = timedelta(days=365),
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A certificate of the identity's CA with its key; a negative life has ended."""
    ca = x509.load_pem_x509_certificate(identity.ca_pem.encode())
    ca_key = serialization.load_pem_private_key(identity.ca_key.read_bytes(), None)
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = f"Apple Push Services: {bundle_id}"
    subject = [(NameOID.USER_ID, bundle_id), (NameOID.COMMON_NAME, name)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(*one) for one in subject]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(now, now + life) - timedelta(days=1))
        .not_valid_after(now + life)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
            False,
        )
    )
    values = {ENVIRONMENTS[one]: ASN1_NULL for one in environments}
    values[APPLE + "6"] = _topics(bundle_id)
    for oid, value in values.items():
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        builder = builder.add_extension(extension, False)
    return builder.sign(ca_key, hashes.SHA256()), key


def as_pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> str:
    """Both, as a client loads them."""
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return (certificate.public_bytes(serialization.Encoding.PEM) + private).decode()


def _topics(bundle_id: str) -> bytes:
    """Each topic and a SEQUENCE of what it is for (DER)."""
    parts = b""
    for suffix, use in zip(SUFFIXES, ("app", "voip", "complication"), strict=True):
        parts += _der(0x0C, f"{bundle_id}{suffix}".encode())
        parts += _der(0x30, _der(0x0C, use.encode()))
    return _der(0x30, parts)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content
