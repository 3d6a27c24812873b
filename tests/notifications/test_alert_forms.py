"""The forms that send an alert: with a reason where it is not safe, none where none helps."""

from __future__ import annotations

import pytest
from django.utils import timezone

from notifications import resend
from notifications.models import Credential, Push, TokenHealth
from tests import factories
from tests.notifications import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def push() -> Push:
    return people.old_push(people.reachable_device())


def pages(push: Push) -> tuple[str, str]:
    """Of the push and of its device, as support sees them."""
    browser = people.browser_of("support")
    paths = (f"/pushes/{push.pk}/", f"/devices/{push.device_id}/")
    return tuple(browser.get(path).content.decode() for path in paths)


def test_a_safe_alert_asks_for_no_reason(push):
    of_push, of_device = pages(push)
    assert "Send remote test push instead" in of_push
    assert "Send remote test push" in of_device
    assert 'id="alert-reason"' not in of_push
    assert 'id="test-reason"' not in of_device


def test_an_alert_soon_after_another_asks_for_the_reason_that_the_server_wants(push):
    browser, path = (
        people.browser_of("support"),
        f"/devices/{push.device_id}/test-push/",
    )
    browser.post(path, {"push_type": "alert"})
    Push.objects.filter(origin="test").update(
        created_at=timezone.now() - 2 * resend.DOUBLE_CLICK
    )
    of_push, of_device = pages(push)
    assert 'id="alert-reason"' in of_push
    assert 'id="test-reason"' in of_device
    assert "Sent less than a minute ago" in of_push
    assert 'id="resend-reason"' not in of_push
    browser.post(path, {"push_type": "alert"})
    assert Push.objects.filter(origin="test").count() == 1
    browser.post(path, {"push_type": "alert", "reason": "asked by the caller"})
    assert Push.objects.filter(origin="test").count() == 2


def test_without_a_remote_token_there_is_no_form_for_an_alert(push):
    push.device.holdings.filter(token__kind="remote").update(current=False)
    of_push, of_device = pages(push)
    assert "Send remote test push" not in of_push + of_device
    assert "Resend VoIP push" in of_push


def test_where_nothing_can_be_sent_no_form_asks_for_a_reason(push):
    Credential.objects.all().delete()
    of_push, of_device = pages(push)
    assert "Send remote test push" not in of_push + of_device
    assert "Resend VoIP push" not in of_push
    assert "It cannot be sent" in of_push
    assert "No test push can be sent. No credential" in of_device


def test_a_token_that_is_gone_takes_no_alert(push):
    TokenHealth.objects.create(
        token=factories.token_of(push.device, "remote"),
        state="retired",
        reason="Unregistered",
        at=timezone.now(),
    )
    of_push, of_device = pages(push)
    assert "Send remote test push" not in of_push + of_device
    assert "No test push can be sent. The token is gone." in of_device
