"""Who may send HEP packets, and what is counted of those that may not. No Django here."""

from __future__ import annotations

import hmac
import ipaddress
from collections import Counter
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
#: Senders whose answer is remembered: more come only from a forger.
MOST_SENDERS = 4096


class Gate:
    """Lets packets in by sender and key. With neither named, everybody may send."""

    def __init__(
        self, *, networks: Iterable[Network] = (), keys: Iterable[bytes] = ()
    ) -> None:
        self._networks, self._keys = tuple(networks), tuple(keys)
        self._known: dict[str, bool] = {}
        #: What was refused or lost: reason → how many.
        self.refused: Counter[str] = Counter()

    @property
    def is_open(self) -> bool:
        """True when it would let anybody in."""
        return not self._networks and not self._keys

    def admits(self, sender: str) -> bool:
        """True for an address on the allow list (or where there is none)."""
        if not self._networks:
            return True
        is_allowed = self._known.get(sender)
        if is_allowed is None:
            is_allowed = self._is_on_list(sender)
            if len(self._known) >= MOST_SENDERS:
                self._known.clear()
            self._known[sender] = is_allowed
        if not is_allowed:
            self.refused["sender_not_allowed"] += 1
        return is_allowed

    def opens(self, key: bytes | None) -> bool:
        """True for one of the keys (or where there is none), compared in constant time."""
        if not self._keys:
            return True
        if key is None:
            self.refused["key_missing"] += 1
            return False
        # Every key is compared: which of them is near must not show in the time.
        matches = [hmac.compare_digest(key, known) for known in self._keys]
        if not any(matches):
            self.refused["key_wrong"] += 1
        return any(matches)

    def _is_on_list(self, sender: str) -> bool:
        address = ipaddress.ip_address(sender.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


def keys_in(text: str) -> list[bytes]:
    """The keys of a key file: one a line, blanks around them and `#` lines left out."""
    lines = (line.strip() for line in text.splitlines())
    return [line.encode() for line in lines if line and not line.startswith("#")]
