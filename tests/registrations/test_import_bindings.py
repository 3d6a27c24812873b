"""Bindings → rows: the right devices, nothing twice, nothing older than a REGISTER."""

from __future__ import annotations

import gzip
import json
import os
import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registrations.models import (
    Device,
    DeviceEvent,
    Feed,
    Holding,
    Registration,
    Sighting,
)
from tests.corpora import CORPORA, needs_corpora
from tests.registrar import flexisip_redis

pytestmark = pytest.mark.django_db
INSTANCE = "urn:uuid:11111111-0000-4000-8000-00000000000{}".format
SOME = INSTANCE(1)


@pytest.fixture
def registrar(tmp_path):
    with flexisip_redis(tmp_path) as server:
        yield server


def uri(user: str = "alice", token: int = 1) -> str:
    return (
        f"sip:{user}@192.0.2.7:50412;transport=tls;pn-prid={token:064x}:voip&"
        f"{token + 1000:064x}:remote;pn-provider=apns;"
        "pn-param=ABCD1234.org.example.phone.voip&remote"
    )


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_bindings", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def state(tokens: dict[str, str]) -> tuple:
    return tuple(sorted((kind, token.lower()) for kind, token in tokens.items()))


def held(device: Device) -> dict[str, str]:
    rows = Holding.objects.filter(device=device, current=True)
    return {row.token.kind: row.token.token for row in rows.select_related("token")}


def logged(
    at: datetime,
    *,
    aor: str = "sip:alice@sip.example.org",
    contact: str = "",
    instance: str = SOME,
    call_id: str = "c1",
    cseq: int = 20,
    expires: int = 3600,
) -> str:
    """One accepted REGISTER as Flexisip logs it."""
    stamp = f"{at:%Y-%m-%d %H:%M:%S}:{at.microsecond // 1000:03d}"
    return (
        f"{stamp} flexisip-message- A::b - Received SIP request [0x1] REGISTER\n"
        f"{stamp} flexisip-debug- A::b - Message:\n"
        f"REGISTER sip:sip.example.org SIP/2.0\r\nTo: <{aor}>\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n"
        f'Contact: <{contact or uri()}>;+sip.instance="<{instance}>"\r\n'
        f"Expires: {expires}\r\nAuthorization: Digest x\r\n\r\n"
        f"{stamp} flexisip-message- E[0x1]::reply - Replying to SIP request: 200 x\n"
    )


def ingest(tmp_path, *records: str) -> None:
    with (tmp_path / "proxy.log").open("a") as log:
        log.writelines(records)
    call_command("ingest", str(tmp_path / "proxy.log"), stderr=StringIO())


def asterisk(tmp_path) -> tuple[str, int]:
    """The corpus' listing as if it were of this hour, and how many seconds later that is."""
    later = round(timezone.now().timestamp()) - 1795462650
    packed = (CORPORA / "asterisk22/database_registrar.txt.gz").read_bytes()
    text = re.sub(
        r'(?<="expiration_time":")\d+',
        lambda found: str(int(found[0]) + later),
        gzip.decompress(packed).decode(),
    )
    (tmp_path / "registrar.txt").write_text(text)
    return str(tmp_path / "registrar.txt"), later


def final_state() -> list[dict]:
    """Who is bound at the end of the corpus, and not for ten seconds only."""
    text = (CORPORA / "asterisk22/truth_summary.json").read_text()
    finals = [
        one for one in json.loads(text)["devices"] if one.get("final") is not None
    ]
    return [
        one
        for one in finals
        if one["final"]["registered"] and one["final"]["expires"] > 10
    ]


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


def test_redis_gives_devices_with_tokens_bound_until_their_end(registrar):
    now = timezone.now()
    for number in (1, 2, 3):
        user = f"user{number}"
        registrar.bind(user, uri(user, number), now, instance=INSTANCE(number))
    registrar.bind("gone", uri("gone", 9), now - timedelta(hours=2), instance=SOME)
    registrar.client.hset("fs:odd@sip.example.org", "f", "nonsense")
    registrar.client.set("fs:text@sip.example.org", "not a hash")
    registrar.client.set("other", "key")

    said = run("--from", registrar.url)
    assert "3 new, 0 changed, 0 changed expiry, 0 unchanged, 0 older, 0 expired" in said
    assert "1 skipped (contact_form)" in said and "1 skipped (key_type)" in said
    for number, device in enumerate(Device.objects.order_by("aor"), start=1):
        assert device.aor == f"sip:user{number}@sip.example.org"
        assert device.instance_id == INSTANCE(number) and device.bound
        assert device.contact == uri(f"user{number}", number)
        assert (device.call_id, device.cseq) == ("c1", 20)
        assert device.user_agent == "Phone/5.2 (x)"
        end = int(now.timestamp()) + 3600
        assert device.expires_at == datetime.fromtimestamp(end, UTC)
        assert held(device) == {
            "voip": f"{number:064x}",
            "remote": f"{number + 1000:064x}",
        }


def test_a_listing_is_no_sign_of_life_and_no_registration(registrar):
    registrar.bind("alice", uri(), timezone.now(), instance=SOME)
    run("--from", registrar.url)
    assert Device.objects.count() == 1
    assert not Sighting.objects.exists() and not Registration.objects.exists()
    assert not Feed.objects.get().followed


def test_importing_again_changes_nothing_and_writes_nothing_to_redis(registrar):
    registrar.bind("alice", uri(), timezone.now(), instance=SOME)
    before = registrar.client.hgetall("fs:alice@sip.example.org")
    run("--from", registrar.url)
    rows = list(Device.objects.values()), list(Holding.objects.values())
    assert "0 new, 0 changed, 0 changed expiry, 1 unchanged" in run(
        "--from", registrar.url
    )
    assert (list(Device.objects.values()), list(Holding.objects.values())) == rows
    assert registrar.client.hgetall("fs:alice@sip.example.org") == before
    assert not DeviceEvent.objects.exists()


def test_a_binding_belongs_to_the_device_its_registers_made(registrar, tmp_path):
    now = timezone.now()
    ingest(tmp_path, logged(now - timedelta(minutes=5)))
    registrar.bind("alice", uri(token=2), now, instance=SOME, call_id="c2")
    assert "0 new, 1 changed" in run("--from", registrar.url)
    device = Device.objects.get()
    assert held(device)["voip"] == f"{2:064x}"
    kinds = set(DeviceEvent.objects.values_list("kind", flat=True))
    assert kinds == {DeviceEvent.Kind.TOKEN_CHANGED}


def test_a_binding_older_than_a_register_is_ignored(registrar, tmp_path):
    now = timezone.now()
    ingest(
        tmp_path,
        logged(now - timedelta(minutes=5), contact=uri(token=2), call_id="new"),
    )
    rows = list(Device.objects.values())
    old = now - timedelta(minutes=10)
    registrar.bind("alice", uri(token=1), old, instance=SOME, call_id="old")
    assert "1 older" in run("--from", registrar.url)
    assert list(Device.objects.values()) == rows


def test_a_phone_that_logged_out_stays_so(registrar, tmp_path):
    now = timezone.now()
    ingest(tmp_path, logged(now - timedelta(minutes=9), cseq=20))
    ingest(tmp_path, logged(now - timedelta(minutes=5), cseq=21, expires=0))
    registrar.bind("alice", uri(), now - timedelta(minutes=9), instance=SOME, cseq=20)
    assert "1 older" in run("--from", registrar.url)
    assert not Device.objects.get().bound


def test_the_registrars_shorter_expiry_counts_for_a_register_we_know(
    registrar, tmp_path
):
    at = timezone.now() - timedelta(seconds=3)
    ingest(tmp_path, logged(at, expires=7200))
    registrar.bind("alice", uri(), at, instance=SOME, expires=600)
    assert "1 changed expiry" in run("--from", registrar.url)
    end = Device.objects.get().expires_at
    assert abs(end - at - timedelta(seconds=600)) < timedelta(seconds=2)


def test_merged_keys_find_the_device_of_the_instance(registrar, tmp_path):
    now = timezone.now()
    ingest(tmp_path, logged(now - timedelta(minutes=5)))
    registrar.bind(
        "alice", uri(token=2), now, instance=SOME, call_id="c2", domain="merged"
    )
    run("--from", registrar.url)
    device = Device.objects.get()
    assert device.aor == "sip:alice@sip.example.org"
    assert held(device)["voip"] == f"{2:064x}"


@needs_corpora
def test_asterisks_listing_finds_the_devices_of_a_log_though_it_has_no_instances(
    tmp_path,
):
    path, later = asterisk(tmp_path)
    ingest(
        tmp_path,
        *(
            logged(
                datetime.fromtimestamp(one["final"]["ts"] + later, UTC),
                aor=one["aor"],
                instance=one["instance"],
                contact=one["final"]["contact"],
                expires=one["final"]["expires"],
                call_id=f"c{number}",
            )
            for number, one in enumerate(final_state())
        ),
    )
    before = {one.identity: held(one) for one in Device.objects.all()}
    assert " 0 new," in run(path, "--domain", "sip.example.org")
    assert {one.identity: held(one) for one in Device.objects.all()} == before
    assert len(before) == len(final_state()) == 63


@needs_corpora
def test_asterisks_listing_alone_never_guesses_which_of_two_tokens_is_newer(tmp_path):
    path, _ = asterisk(tmp_path)
    run(path, "--domain", "sip.example.org")
    truth = {(one["aor"], *state(one["final"]["tokens"])) for one in final_state()}
    found = {(one.aor, *state(held(one))) for one in Device.objects.all()}
    missing = {aor for aor, *_ in truth - found}
    assert not found - truth
    assert all(aor.startswith(("sip:l2u", "sip:l4u")) for aor in missing)
    assert len(found) == len(truth) - 30
    assert " 0 new," in run(path, "--domain", "sip.example.org")


@needs_corpora
def test_kamailios_listing_is_dated_by_its_file(tmp_path):
    path = tmp_path / "usrloc.txt"
    path.write_bytes((CORPORA / "linphone53-kamailio/usrloc_dump.txt").read_bytes())
    moment = timezone.now() - timedelta(minutes=1)
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    assert "3 new" in run(str(path), "--domain", "sip.example.org")
    bob = Device.objects.get(aor="sip:bob@sip.example.org")
    assert abs(bob.expires_at - moment - timedelta(seconds=3581)) < timedelta(seconds=1)
    assert "3 skipped (aor_without_domain)" in run(str(path))


def test_what_a_server_printed_is_shown_with_its_controls_as_escapes(tmp_path):
    path, errors = tmp_path / "cli.json", StringIO()
    path.write_text('{"contacts": []}\nError - 404 \x1b[2J\u202egone\n')
    words = ("import_bindings", str(path), "--domain", "sip.example.org")
    call_command(*words, stdout=StringIO(), stderr=errors)
    assert "skipped: server_error: Error - 404 \\x1b[2J\\u202egone" in errors.getvalue()


def test_what_cannot_be_read_is_said_in_one_line(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("nothing of the kind\n")
    with pytest.raises(CommandError, match="there are flexisip-cli, kamailio-usrloc"):
        run(str(path))
    with pytest.raises(CommandError, match="either FILE"):
        run()
    with pytest.raises(CommandError, match="refused"):
        run("--from", "redis://127.0.0.1:1/0")
