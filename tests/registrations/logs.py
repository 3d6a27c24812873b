"""Log lines for tests: REGISTERs as Flexisip 2.5, Kamailio and a plain log print them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MORNING = datetime(2026, 11, 24, 9, tzinfo=UTC)
VOIP, REMOTE = "a1" * 32, "b2" * 32
RECEIVED = "Agent::processRequest - Received SIP request"
INSTANCE = "urn:uuid:11111111-0000-4000-8000-000000000001"


def contact(
    *,
    voip: str = VOIP,
    remote: str = REMOTE,
    instance: str | None = INSTANCE,
    host: str = "192.0.2.7:5060",
    params: str = "",
) -> str:
    """A Contact as Linphone writes it; `params` stand behind it."""
    suffix = f';+sip.instance="<{instance}>"' if instance else ""
    return (
        f"<sip:alice@{host};pn-prid={voip}:voip&{remote}:remote;pn-provider=apns;"
        f"pn-param=ABCD1234.org.example.phone.voip&remote>{suffix}{params}"
    )


def register(
    *,
    call_id: str = "c1",
    cseq: int = 1,
    contacts: tuple[str, ...] = (),
    expires: int | None = 3600,
    authorized: bool = False,
    aor: str = "sip:alice@example.org",
) -> str:
    """One REGISTER request with LF line ends and the empty line behind it."""
    lines = [
        "REGISTER sip:example.org SIP/2.0",
        f"Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK{call_id}{cseq}",
        f"From: <{aor}>;tag=1",
        f"To: <{aor}>",
        f"CSeq: {cseq} REGISTER",
        f"Call-ID: {call_id}",
        *(f"Contact: {value}" for value in contacts or (contact(),)),
        "User-Agent: LinphoneiOS/5.2.0 (iPhone 13) LinphoneSDK/5.2.45",
    ]
    lines += [] if expires is None else [f"Expires: {expires}"]
    lines += ['Authorization: Digest username="alice"'] if authorized else []
    return "\n".join([*lines, "Content-Length: 0", "", ""])


def plain(*messages: str) -> bytes:
    """A log that holds nothing but messages."""
    return "".join(messages).encode()


class FlexisipLog:
    """Writes records of a Flexisip 2.5 at debug level; seconds count from MORNING."""

    def __init__(self) -> None:
        self._text: list[str] = []

    def request(self, second: float, message: str, key: str = "0x1") -> FlexisipLog:
        """A received REGISTER."""
        self.line(second, f"{RECEIVED} [{key}] REGISTER (1 - c1) from a to b")
        return self.line(second, f"Agent::processRequest - Message:\n{message}")

    def reply(self, second: float, status: int, key: str = "0x1") -> FlexisipLog:
        """The registrar's answer."""
        text = f"RequestSipEvent[{key}]::reply - Replying to SIP request: {status} Said"
        return self.line(second, text)

    def line(self, second: float, text: str) -> FlexisipLog:
        """Any record."""
        at = (MORNING + timedelta(seconds=second)).astimezone()
        stamp = f"{at:%Y-%m-%d %H:%M:%S}:{at.microsecond // 1000:03d}"
        self._text.append(f"{stamp} flexisip-debug- {text}\n")
        return self

    @property
    def bytes(self) -> bytes:
        """The log so far."""
        return "".join(self._text).encode()
