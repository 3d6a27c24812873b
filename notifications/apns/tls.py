"""TLS to APNs, and whether what was written to it went out: asyncio does not say.

Between the other side's goodbye and our `connection_lost` it drops what is written.
"""

from __future__ import annotations

import asyncio
import ssl

from .errors import NotProcessed


class Counting(ssl.SSLObject):
    """Knows how many bytes it was given to encrypt."""

    given = 0

    def write(self, data: bytes) -> int:
        count = super().write(data)
        self.given += count
        return count


def context_of(ca_pem: str | None) -> ssl.SSLContext:
    """How to speak to APNs. `ca_pem`: who signs its certificate, None for the system's roots.

    Raises NotProcessed for a CA file that is none.
    """
    try:
        context = ssl.create_default_context(cadata=ca_pem or None)
    except (ssl.SSLError, ValueError, TypeError) as error:
        raise NotProcessed(f"the CA file cannot be read: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    context.sslobject_class = Counting
    return context


def write(transport: asyncio.Transport, data: bytes) -> bool:
    """Write `data`; False when surely nothing of it went out."""
    counting = transport.get_extra_info("ssl_object")
    before = counting.given
    transport.write(data)
    if transport.is_closing():  # it was, or the socket refused these bytes
        return False
    return counting.given > before or transport.get_write_buffer_size() > 0
