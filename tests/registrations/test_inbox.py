"""The malformed registrations inbox: rules counted by app version, with an example."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from registrations.inbox import app_of
from registrations.models import Device, Malformed
from tests.registrations.logs import (
    REMOTE,
    FlexisipLog,
    contact,
    plain,
    register,
)

pytestmark = pytest.mark.django_db
UNLABELLED = contact().replace(f"{REMOTE}:remote", REMOTE)


@pytest.fixture
def ingest(tmp_path):
    path = tmp_path / "proxy.log"

    def run(data: bytes) -> None:
        path.write_bytes(data)
        call_command("ingest", str(path), stderr=StringIO())

    return run


def exchange(log: FlexisipLog, second: float, message: str, status: int) -> FlexisipLog:
    key = f"0x{second}"
    return log.request(second, message, key).reply(second + 0.1, status, key)


def test_a_broken_rule_is_counted_once_a_registration_with_its_app(ingest):
    log = FlexisipLog()
    exchange(log, 0, register(contacts=(UNLABELLED,)), 401)
    exchange(log, 1, register(cseq=2, contacts=(UNLABELLED,), authorized=True), 200)
    exchange(log, 99, register(cseq=3, contacts=(UNLABELLED,), authorized=True), 200)
    ingest(log.bytes)
    row = Malformed.objects.get(rule="token_unlabelled")
    assert (row.app, row.count) == ("LinphoneiOS/5.2.0", 2)
    assert row.flexisip == (
        "invalid RFC8599 push parameters, syntax of 'pn-prid' is invalid"
    )
    assert row.first_seen_at < row.last_seen_at
    assert UNLABELLED in row.example
    assert "username" not in row.example


def test_a_refused_register_is_counted_too(ingest):
    message = register(contacts=(UNLABELLED,), authorized=True)
    ingest(exchange(FlexisipLog(), 0, message, 400).bytes)
    assert Malformed.objects.get(rule="token_unlabelled").count == 1


def test_one_that_was_only_challenged_is_counted_too(ingest):
    log = FlexisipLog()
    message = register(contacts=(UNLABELLED,))
    ingest(exchange(log, 0, message, 401).bytes)
    row = Malformed.objects.get(rule="token_unlabelled")
    assert (row.count, row.app) == (1, "LinphoneiOS/5.2.0")
    assert not Device.objects.filter(bound=True).exists()


def test_credentials_out_of_date_are_no_registration_more(ingest):
    log = FlexisipLog()
    for second, status in ((0, 401), (1, 200)):
        message = register(cseq=second + 1, contacts=(UNLABELLED,), authorized=True)
        exchange(log, second, message, status)
    ingest(log.bytes)
    assert Malformed.objects.get(rule="token_unlabelled").count == 1


def test_a_message_that_cannot_be_read_is_counted_by_its_rule(ingest):
    broken = register(authorized=True).replace("CSeq: 1 REGISTER", "CSeq: one")
    ingest(plain(broken, broken.replace("Call-ID: c1", "Call-ID: c9")))
    row = Malformed.objects.get()
    assert (row.rule, row.app, row.count) == ("cseq", "LinphoneiOS/5.2.0", 2)
    assert "username" not in row.example


def test_counts_add_up_over_batches_and_reading_again_adds_nothing(ingest):
    first = register(contacts=(UNLABELLED,))
    second = register(call_id="c2", contacts=(UNLABELLED,))
    ingest(plain(first))
    ingest(plain(first, second))
    ingest(plain(first, second))
    assert Malformed.objects.get(rule="token_unlabelled").count == 2


def test_words_and_example_are_those_of_the_newest_message(ingest):
    log = FlexisipLog()
    for second, label in ((100, "newest"), (0, "oldest"), (50, "between")):
        broken = contact().replace(":voip&", f":{label}&")
        message = register(call_id=label, contacts=(broken,))
        exchange(log, second, message, 200)
    ingest(log.bytes)
    row = Malformed.objects.get(rule="token_label")
    assert row.count == 3
    assert "label 'newest'" in row.detail
    assert ":newest&" in row.example
    for second, label, shown in ((20, "late", "newest"), (200, "last", "last")):
        broken = contact().replace(":voip&", f":{label}&")
        exchange(log, second, register(call_id=label, contacts=(broken,)), 200)
        ingest(log.bytes)
        row.refresh_from_db()
        assert f"label '{shown}'" in row.detail
        assert f":{shown}&" in row.example
    assert row.count == 5
    assert not row.estimated


def test_flexisips_words_are_about_the_contact_that_breaks_the_rule(ingest):
    alone = contact().replace(":voip&", ":VOIP&")
    ingest(plain(register(contacts=(contact(), alone))))
    row = Malformed.objects.get(rule="token_label")
    assert row.flexisip.endswith("syntax of 'pn-prid' is invalid")
    rows = Malformed.objects.exclude(rule="token_label")
    assert {one.flexisip for one in rows} <= {row.flexisip}


def test_without_times_in_the_log_the_time_of_reading_is_told_as_such(ingest):
    began = timezone.now()
    broken = register().replace("CSeq: 1 REGISTER", "CSeq: one")
    ingest(plain(register(contacts=(UNLABELLED,)), broken))
    for row in Malformed.objects.all():
        assert row.estimated
        assert began < row.first_seen_at <= row.last_seen_at < timezone.now()


def test_sound_registers_leave_the_inbox_empty(ingest):
    ingest(plain(register()))
    assert not Malformed.objects.exists()


@pytest.mark.parametrize(
    ("user_agent", "app"),
    [
        ("LinphoneiOS/5.2.3 (iPhone) LinphoneSDK/5.3.26", "LinphoneiOS/5.2.3"),
        ("Acme", "Acme"),
        ("", ""),
        ("(odd)", ""),
    ],
)
def test_the_app_is_the_first_product_of_the_user_agent(user_agent, app):
    assert app_of(user_agent) == app
