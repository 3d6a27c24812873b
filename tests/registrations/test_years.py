"""`--year`: what a log's time stamps leave out is told, kept with the feed, or said aloud."""

from __future__ import annotations

import json
import os
from argparse import ArgumentTypeError
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registrations.models import Feed, Registration
from registrations.years import AUTO, year_named
from tests.registrations.logs import register

LINE = (
    "{at} vm kamailio[42]: INFO: <script>: RECEIVED REGISTER from udp:192.0.2.7:5060 "
)


def syslog(*days: str) -> str:
    """An xlog with the whole message, as syslog writes it, at noon of each day."""
    return "".join(
        LINE.format(at=f"{day} 12:00:00")
        + f"(size 900)#012{register(call_id=day)}".replace("\n", "#015#012")
        + "\n"
        for day in days
    )


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A copy of an old log: its last change is of 1 March 2026."""
    monkeypatch.setenv("TZ", "UTC")

    def write(*days: str):
        path = tmp_path / "syslog"
        with path.open("a") as file:
            file.write(syslog(*days))
        changed = datetime(2026, 3, 1, tzinfo=UTC).timestamp()
        os.utime(path, (changed, changed))
        return path

    return write


def parsed(path, *options: str) -> tuple[list[str], str]:
    """The days of the REGISTERs, and what stands on standard error."""
    out, err = StringIO(), StringIO()
    call_command(
        "parse", "--timezone", "UTC", *options, str(path), stdout=out, stderr=err
    )
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    return [row["at"][:10] for row in rows], err.getvalue()


def ingested(path, *options: str) -> tuple[list[str], str]:
    err = StringIO()
    call_command("ingest", "--timezone", "UTC", *options, str(path), stderr=err)
    moments = Registration.objects.order_by("id").values_list("moment", flat=True)
    return [f"{at:%Y-%m-%d}" for at in moments], err.getvalue()


def test_parse_says_which_year_it_took_and_takes_the_one_it_is_told(log):
    path = log("Dec 30", "Jan  2")
    days, said = parsed(path)
    assert days == ["2025-12-30", "2026-01-02"]
    assert "without a year were taken for 2025, 2026" in said
    assert parsed(path, "--year", "2019") == (["2019-12-30", "2020-01-02"], "")


@pytest.mark.django_db
def test_ingest_keeps_the_year_with_the_feed_and_goes_on_over_new_year(log):
    path = log("Nov 30", "Dec 30")
    days, said = ingested(path, "--year", "2019")
    assert days == ["2019-11-30", "2019-12-30"]
    assert "without a year" not in said
    assert Feed.objects.get().year == 2019
    assert ingested(log("Jan  2"))[0] == [*days, "2020-01-02"]
    days, said = ingested(log("Jan  4"), "--year", "auto")
    assert days[-1] == "2026-01-04"
    assert "were taken for 2026, by the file's last change" in said
    assert Feed.objects.get().year is None


@pytest.mark.django_db
def test_a_followed_log_is_of_this_year(log):
    with pytest.raises(CommandError, match="without --year"):
        ingested(log("Nov 30"), "--year", "2019", "--follow")


@pytest.mark.parametrize("text", ["", "19", "20190", "1969", "２０１９", "last"])
def test_what_is_no_year_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="no year"):
        year_named(text)


def test_auto_is_none():
    assert (year_named("auto"), year_named("2019")) == (AUTO, 2019)
