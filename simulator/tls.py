"""Keys and certificates of the rehearsal: a CA, a server certificate, a `.p8` key.

`simulator.certificates` makes those of clients.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LIFE = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the server shows and what its clients need; PEM texts and a folder of files."""

    folder: Path
    team_id: str
    key_id: str
    key_pem: str
    ca_pem: str

    @property
    def certificate(self) -> Path:
        return self.folder / "server.pem"

    @property
    def ca_key(self) -> Path:
        """Signs client certificates."""
        return self.folder / "ca.key"

    @property
    def certificate_key(self) -> Path:
        return self.folder / "server.key"


def make_identity(
    folder: Path, team_id: str = "TEAM123456", key_id: str = "KEY1234567"
) -> Identity:
    """The identity kept in `folder`, made there when it has none."""
    if not (folder / "identity.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder, team_id, key_id)
    kept = json.loads((folder / "identity.json").read_text())
    return Identity(
        folder=folder,
        team_id=kept["team_id"],
        key_id=kept["key_id"],
        key_pem=(folder / "AuthKey.p8").read_text(),
        ca_pem=(folder / "ca.pem").read_text(),
    )


def make_key(path: Path) -> str:
    """The PEM text of the push key kept at `path`, made there when it is not."""
    if not path.exists():
        _save(path, _key_pem(_new_key()))
    return path.read_text()


def _write(folder: Path, team_id: str, key_id: str) -> None:
    ca_key, server_key, push_key = (_new_key() for _ in range(3))
    ca = _certificate("pushdash rehearsal CA", ca_key, None, ca_key)
    server = _certificate("localhost", server_key, ca, ca_key)
    _save(folder / "ca.pem", _pem(ca))
    _save(folder / "ca.key", _key_pem(ca_key))
    _save(folder / "server.pem", _pem(server))
    _save(folder / "server.key", _key_pem(server_key))
    _save(folder / "AuthKey.p8", _key_pem(push_key))
    ids = json.dumps({"team_id": team_id, "key_id": key_id})
    _save(folder / "identity.json", ids.encode())


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _certificate(name, key, issuer, issuer_key) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            False,
        )
    )
    # Python 3.13 refuses a CA that does not say what its key may do (RFC 5280 §4.2.1.3).
    if issuer is None:
        builder = builder.add_extension(_signs_certificates(), True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
    return builder.sign(issuer_key, hashes.SHA256())


def _signs_certificates() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _save(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
