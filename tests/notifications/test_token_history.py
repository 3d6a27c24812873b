"""Which tokens a device held: when each came, why, and which characters changed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from notifications.device_history import history_of
from notifications.lane_spans import Stretch
from notifications.models import TokenHealthChange
from notifications.token_history import difference, pieces, token_history
from registrations.models import DeviceEvent, Holding, PushToken
from tests import factories
from tests.factories import MORNING
from tests.notifications import people

NOW = MORNING + timedelta(hours=2)
OLD, NEW = "a1" * 32, "a1" * 30 + "b2b2"


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (OLD, OLD, "The same token again"),
        (OLD, NEW, "4 of 64 characters differ, from 61 to 64"),
        ("ab12", "ab13", "1 of 4 characters differs, at 4"),
        ("ab12", "ab21", "2 of 4 characters differ, from 3 to 4"),
        (
            OLD,
            OLD[:60],
            "4 of 64 characters differ, from 61 to 64; 64 characters became 60",
        ),
    ],
)
def test_the_characters_that_differ_are_counted_from_the_first_to_the_last(
    before, after, told
):
    assert difference(before, after) == told


def shown(token: str, other: str) -> str:
    return "".join(
        f"[{piece.text}]" if piece.is_changed else piece.text
        for piece in pieces(token, other)
    )


def test_what_is_shown_of_a_token_marks_what_differs_and_stays_masked():
    assert shown(OLD, NEW) == "a1a1a1…[a1a1]"
    assert shown(NEW, OLD) == "a1a1a1…[b2b2]"
    assert shown("cc" + OLD[2:], OLD) == "[cc]a1a1…a1a1"
    assert len(shown(OLD, "").replace("…", "")) == 10


@pytest.fixture
def device(db):
    return factories.registered_device()


def held_before(device, token: str, until) -> Holding:
    """A voip token that the device held until then, before the ones it holds."""
    known = factories.token_of(device)
    row = PushToken.objects.create(
        environment=known.environment,
        bundle_id=known.bundle_id,
        kind="voip",
        token=token,
    )
    found = Holding(device=device, token=row, current=False, until=until)
    current = device.holdings.get(token=known)
    # Holdings are in the order they began: the current one begins anew after it.
    found.save()
    Holding.objects.filter(pk=current.pk).delete()
    Holding.objects.create(device=device, token=known, since=until)
    return found


def changes(device):
    stretch = Stretch(since=MORNING, until=NOW, span="6h")
    return token_history(history_of(device, stretch, None, NOW))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("token_changed", "The same install brought another token (a restore)"),
        ("logged_out", "The device logged out; another came when it was back"),
        ("", ""),
    ],
)
def test_a_change_says_when_and_why(device, kind, why):
    held_before(device, OLD, MORNING)
    if kind:
        DeviceEvent.objects.create(
            device=device,
            kind=kind,
            moment=MORNING,
            before={"voip": OLD},
            after={"voip": None},
            feed=factories.feed(),
            position=1,
        )
    (change,) = changes(device)
    assert (change.at, change.why) == (MORNING, why)
    assert "characters differ" in change.difference


def test_a_token_that_is_gone_has_none_after_it(device):
    token = factories.token_of(device)
    device.holdings.filter(token=token).update(current=False, until=MORNING)
    (change,) = changes(device)
    assert (change.after, change.difference) == ([], "")


def test_the_page_shows_it_without_a_token_and_says_reasons_in_words(device):
    held_before(device, OLD, MORNING)
    token = factories.token_of(device)
    for reason in ("BadDeviceToken", "a REGISTER carried it again"):
        TokenHealthChange.objects.create(
            token=token, at=MORNING, before="valid", after="quarantined", reason=reason
        )
    browser = people.browser_of("ops")
    page = browser.get(f"/devices/{device.pk}/").content.decode()
    assert 'id="token-history"' in page and "The same install" not in page
    assert "a1a1a1" in page and OLD not in page and token.token not in page
    assert "APNs said BadDeviceToken." in page
    browser.cookies["language"] = "fr"
    page = browser.get(f"/devices/{device.pk}/").content.decode()
    assert "a REGISTER carried it again" not in page
