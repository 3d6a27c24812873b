"""One message as every log prints it, to be tried with what no log should hold."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.registrations.formats import (
    test_asterisk,
    test_kamailio,
    test_linphone,
    test_opensips,
    test_sipdump,
)
from tests.registrations.formats.carriers import carried
from tests.registrations.logs import FlexisipLog

SYSLOG = b"Nov 23 19:51:41 vm /usr/sbin/kamailio[4349]: "
LOGCAT = b"11-22 05:35:55.079 24815 24815 I Linphone: "
DASHES = b"   " + b"-" * 72 + b"\n"


def announced(raw: bytes) -> bytes:
    return b"INFO: <script>: RECEIVED REGISTER from udp:192.0.2.7:5060 (size %d)" % len(
        raw
    )


def flexisip(raw: bytes) -> bytes:
    return FlexisipLog().request(0, raw.decode().replace("\r\n", "\n")).bytes


def linphone(raw: bytes) -> bytes:
    def line(text: str) -> bytes:
        return f"2026-11-23 19:23:18:926 belle-sip-message-{text}\n".encode()

    return test_linphone.sent(line, raw)


def logcat(raw: bytes) -> bytes:
    where = b"channel [0x71]: message sent to [UDP://192.0.2.1:5060], size: [%d] bytes"
    lines = [where % len(raw), *raw.split(b"\r\n"), b"next"]
    return b"".join(LOGCAT + line + b"\n" for line in lines)


def sofia(raw: bytes) -> bytes:
    head = b"recv %d bytes from udp/[192.0.2.7]:5060 at 19:23:18.926000:\n" % len(raw)
    lines = b"".join(b"   %b\n" % line for line in raw.split(b"\r\n")[:-1])
    return head + DASHES + lines + DASHES


def syslog(raw: bytes) -> bytes:
    text = raw.replace(b"\r\n", b"#015#012")
    return SYSLOG + announced(raw) + b"#012" + text + b"\n"


def as_json(raw: bytes) -> bytes:
    text = (announced(raw) + b"\n" + raw).decode()
    return json.dumps(
        {"timestamp": "2026-11-23T19:51:41Z", "message": text}
    ).encode() + (b"\n")


def export(raw: bytes) -> bytes:
    text = announced(raw) + b"\n" + raw
    head = b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795463501377040\n_PID=43\n"
    size = len(text).to_bytes(8, "little")
    return head + b"MESSAGE\n" + size + text + b"\n_HOSTNAME=vm\n\n"


def ngrep(raw: bytes) -> bytes:
    head = b"U 2026/11/23 19:40:28.563072 192.0.2.7:5060 -> 192.0.2.1:5060 #1\n"
    return head + raw.replace(b"\r\n", b".\n") + b"\n"


def tcpdump(raw: bytes) -> bytes:
    head = b"2026-11-23 19:40:28.563072 IP 192.0.2.7.5060 > 192.0.2.1.5060: SIP\n"
    return head + b"E" + b"." * 27 + raw.replace(b"\r\n", b"\n") + b"\n"


def cat(raw: bytes) -> bytes:
    return announced(raw) + b"\n" + raw


def opensips(raw: bytes) -> bytes:
    return test_opensips.line(announced(raw).decode().removeprefix("INFO: ")) + raw


def carrying(carrier: str) -> Callable[[bytes], bytes]:
    return lambda raw: carried(test_kamailio.announced(raw), carrier)


#: Format → a message in its log. (Event logs of Flexisip hold no message.)
PRINTED: dict[str, Callable[[bytes], bytes]] = {
    "asterisk": test_asterisk.pjsip,
    "cat": cat,
    "cri+kamailio": carrying("cri"),
    "flexisip": flexisip,
    "journal-export": export,
    "journal-export+kamailio": carrying("export"),
    "json": as_json,
    "json+kamailio": carrying("docker"),
    "kamailio": test_kamailio.announced,
    "linphone": linphone,
    "logcat": logcat,
    "ngrep": ngrep,
    "opensips": opensips,
    "plain": lambda raw: raw,
    "sipdump": lambda raw: test_sipdump.block(raw.decode()).encode(),
    "sofia": sofia,
    "syslog": syslog,
    "syslog+kamailio": carrying("syslog"),
    "tcpdump": tcpdump,
}
