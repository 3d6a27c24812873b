"""A push in Flexisip's log, CONSTRUCTED from its format strings: up to 2.4, and 2.5 on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TOKEN = "0f" * 32
OLD, NEW = "old", "new"
PAYLOAD = """{
    "aps": {
        "sound": "",
        "loc-key": "IC_MSG",
        "loc-args": ["Ann"],
        "call-id": "%(call_id)s",
        "uuid": "<%(instance)s>",
        "send-time": "2026-11-24 09:00:00"
    },
    "from-uri": "",
    "pn_ttl": 90,
    "customPayload": {}
}
"""
HEADERS = """HttpMessage :
    HttpMessage header :
:method = POST
:scheme = https
:path = /3/device/%(token)s
apns-expiration = 1700000000
apns-topic = %(topic)s
apns-push-type = %(kind)s

    HttpMessage body :
"""
ANSWER = """HttpMessage :
    HttpMessage header :
:status = %(status)s
apns-id = 0E5C0000-0000-4000-8000-000000000001

    HttpMessage body :
%(body)s
"""
WORDS = {
    OLD: (
        "Apple PNR %(p)s payload is :\n",
        "Http2Client[0x55]: sending request[%(p)s]:\n",
        "Http2Client[0x55][1]: request[%(p)s] sent\n",
        "Http2Client[0x55][1]: response received for HttpRequest[%(p)s]:\n",
        "Request[%(p)s]: switching state from InProgress -> %(end)s\n",
    ),
    NEW: (
        " AppleRequest::AppleRequest - Payload is:\n",
        " Http2Client[0x55]::send - Sending Request[%(p)s]:\n",
        " Http2Client[0x55]::send - Request[%(p)s] sent\n",
        " Http2Client[0x55]::onStreamClosed - Response received for HttpRequest (%(p)s):\n",
        " Request[%(p)s]::setState - Switching state from InProgress to %(end)s\n",
    ),
}


def logged(
    wording: str,
    *,
    token: str = TOKEN,
    call_id: str = "call-1",
    instance: str = "urn:uuid:7",
    topic: str = "org.example.phone.voip",
    kind: str = "voip",
    pointer: str = "0x7f00",
    status: int | None = 200,
    reason: str = "",
    at: datetime = datetime(2026, 11, 24, 9, 0, 0, 118_000, UTC),
    answered_after: float | None = 0.1,
) -> str:
    """The lines of one push; `status` None: APNs never answered; `answered_after` None:
    the log ends before.
    """
    values = {
        "p": pointer,
        "token": token.upper(),
        "call_id": call_id,
        "instance": instance,
        "topic": topic,
        "kind": kind,
        "status": status,
        "body": f'{{"reason":"{reason}"}}' if reason else "",
        "end": "Successful" if status == 200 else "Failed",
    }
    payload, sending, sent, answered, ended = (one % values for one in WORDS[wording])
    body = PAYLOAD % values
    lines = [payload + body, sending + HEADERS % values + body, sent]
    text = "".join(_prefix(at) + line for line in lines)
    if answered_after is None:
        return text
    later = _prefix(at + timedelta(seconds=answered_after))
    if status is not None:
        text += later + answered + ANSWER % values
    return text + later + ended


def _prefix(at: datetime) -> str:
    at = at.astimezone()
    return f"{at:%Y-%m-%d %H:%M:%S}:{at.microsecond // 1000:03d} flexisip-debug-"
