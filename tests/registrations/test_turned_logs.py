"""A server is exchanged for another amid a log: what each shows decides for itself alone."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import call_command

from registrations.models import Device, Feed, LogFile, Registration, Rejected
from tests.registrations.followed import Followed
from tests.registrations.formats import test_kamailio
from tests.registrations.test_ingest import register

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


def kamailio(name: str) -> bytes:
    message = test_kamailio.MESSAGE.replace(
        b"sip:a@e.org", b"sip:%b@e.org" % name.encode()
    )
    return test_kamailio.announced(message.replace(b": one", b": " + name.encode()))


def flexisip(call_id: str, status: int | None) -> bytes:
    return register(1, call_id=call_id, status=status).encode()


def aors() -> list[str]:
    bound = Device.objects.filter(bound=True).values_list("aor", flat=True)
    return sorted(aor.partition("@")[0].removeprefix("sip:") for aor in bound)


def read(path, *options: str) -> None:
    call_command("ingest", str(path), *options, stderr=StringIO())


def test_where_answers_show_they_decide_and_where_none_do_the_setting_does(tmp_path):
    path = tmp_path / "proxy.log"
    path.write_bytes(
        kamailio("before")
        + flexisip("c1", 403)
        + flexisip("c2", None)
        + kamailio("after")
    )
    read(path)
    assert aors() == ["after", "before"]
    assert Registration.objects.count() == 2


def test_an_answer_decides_again_where_the_log_turns_back(tmp_path):
    path = tmp_path / "proxy.log"
    path.write_bytes(flexisip("c1", 200) + kamailio("x") + flexisip("c2", 403))
    read(path)
    assert aors() == ["alice", "x"]
    assert Registration.objects.count() == 2


def test_the_turn_is_stored_and_counted_and_nothing_is_stored_twice(tmp_path):
    path = tmp_path / "proxy.log"
    path.write_bytes(kamailio("x") + flexisip("c1", 200))
    for _ in range(2):
        read(path)
    (row,) = Rejected.objects.all()
    assert row.rule == "other_format"
    assert Feed.objects.get().rejected_count == 1
    assert LogFile.objects.get().format == "flexisip"
    assert Registration.objects.count() == 2


def test_a_log_that_turned_is_followed_on_and_may_turn_after_a_restart(
    tmp_path, follow_here
):
    path = tmp_path / "proxy.log"
    path.write_bytes(kamailio("one"))
    followed: Followed = follow_here(path)
    followed.read_on()
    for name, text in (("alice", flexisip("c1", 200)), ("two", kamailio("two"))):
        with path.open("ab") as log:
            log.write(text)
        followed.read_on()
        assert name in aors()
        followed.stop()
        followed.start()


def test_parse_prints_each_register_with_its_own_format(tmp_path):
    path, out = tmp_path / "proxy.log", StringIO()
    path.write_bytes(kamailio("x") + flexisip("c1", 200) + kamailio("y"))
    call_command("parse", str(path), stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row.get("format") or row["rule"] for row in rows] == [
        *("kamailio", "other_format", "flexisip", "other_format", "kamailio"),
    ]
