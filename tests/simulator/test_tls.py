"""The rehearsal's certificates, looked at as strictly as Python 3.13 does by itself."""

from __future__ import annotations

import ssl

from simulator.tls import make_identity


def shake_hands(*sides: ssl.SSLObject) -> None:
    """Let each side speak in turn until both are content."""
    waiting = list(sides)
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue


def test_a_client_that_is_strict_about_certificates_trusts_the_simulator(tmp_path):
    identity = make_identity(tmp_path)
    strict = ssl.create_default_context(cadata=identity.ca_pem)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(identity.certificate, identity.certificate_key)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = strict.wrap_bio(down, up, server_hostname="localhost")
    server = ours.wrap_bio(up, down, server_side=True)
    shake_hands(client, server)
    assert client.getpeercert()["subject"]
