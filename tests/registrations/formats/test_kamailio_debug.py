"""Kamailio at debug=3: thousands of lines around each message, none of them a registration."""

from registrations.formats import detect, open_format
from registrations.formats.record import Answer, Request
from registrations.sip import read_register
from tests.registrations.formats.test_kamailio import MESSAGE
from tests.registrations.formats.test_xlog import told

CONTACT = "sip:a@1.2.3.4:5060;pn-provider=apns;pn-prid=NO:voip;transport=udp"
PLACE = "<core> [core/parser/msg_parser.c:610]: parse_msg():"
NOISE = [
    "<core> [core/receive.c:389]: receive_msg(): --- received sip message - request - "
    "call-id: [one] - cseq: [1 REGISTER]",
    f"{PLACE} SIP Request:",
    f"{PLACE}  method:  <REGISTER>",
    f"{PLACE}  uri:     <sip:e.org>",
    f"{PLACE}  version: <SIP/2.0>",
    f"{PLACE} first line: REGISTER sip:e.org SIP/2.0",
    f"{PLACE} message=<REGISTER sip:e.org SIP/2.0",
    "<core> [core/parser/parse_via.c:1304]: parse_via_param(): Found param rport, SIP/2.0",
    f"registrar [save.c:561]: pack_ci(): ruid, contact [{CONTACT}]",
    f"registrar [lookup.c:422]: lookup(): contact for [a] found by address <{CONTACT}>",
    f"usrloc [ucontact.c:71]: new_ucontact(): Added contact '{CONTACT}'",
    f"tm [t_lookup.c:1344]: t_newtran(): msg Contact: <{CONTACT}>",
    "sl [sl_funcs.c:135]: sl_reply_helper(): SIP/2.0 200 OK sent from xlog",
]


def lines(texts: list[str], level: str = "DEBUG", process: int = 2) -> bytes:
    text = "".join(f"{process:2}(24850) {level}: {text}\n" for text in texts)
    return text.encode()


def script(text: str) -> bytes:
    return lines([f"{{1 20 REGISTER one}} <script>: {text}"], "INFO")


def announced(raw: bytes) -> bytes:
    return script(f"RECEIVED x from udp:127.0.0.1:5 (size {len(raw)})") + raw


def read(data: bytes):
    reader = open_format(None)
    return reader.feed(data) + reader.end()


def test_the_noise_alone_registers_nothing():
    noise = lines(NOISE) + script(f"lookup a -> {CONTACT}") + lines(NOISE, process=12)
    assert read(noise * 3) == []
    assert detect(noise) == "kamailio"


def test_amid_noise_every_message_is_read_whole():
    noise = lines(NOISE)
    one = noise + announced(MESSAGE) + b"\n" + noise
    records = read(one * 5)
    assert [record.raw for record in records] == [MESSAGE] * 5


def test_amid_noise_a_line_and_its_message_are_one():
    noise = lines(NOISE)
    brief = script(told(call_id="one", cseq="1"))
    assert len(read((noise + brief + noise + announced(MESSAGE) + noise) * 5)) == 5


def test_contacts_of_invites_and_answers_register_nothing():
    invite = MESSAGE.replace(b"REGISTER", b"INVITE").replace(
        b"a@1.2.3.4", CONTACT.encode()
    )
    answer = (
        b"SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\nCall-ID: one\r\nContact: <%b>\r\n\r\n"
    )
    data = announced(invite) + lines(NOISE) + announced(MESSAGE)
    request, told_of = read(data + script("reply:") + answer % CONTACT.encode())
    assert isinstance(request, Request) and isinstance(told_of, Answer)
    assert read_register(request.raw).contacts[0].tokens == {}
    assert told_of.status == 200
