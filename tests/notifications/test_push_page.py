"""The Push page: steps, evidence with its place, and the request without a token."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.handling import settle
from notifications.models import Push
from notifications.push_page import push as page_of
from notifications.push_page import rows, steps_of
from tests import factories
from tests.factories import MORNING
from tests.notifications import people

pytestmark = pytest.mark.django_db
NOW = MORNING + timedelta(minutes=10)


@pytest.fixture
def device():
    factories.feed(seen_until=NOW)
    return factories.registered_device()


def page(push):
    return page_of(rows().get(pk=push.pk), NOW)


def test_a_woken_app_has_its_proof_with_file_and_byte(device):
    push = factories.accepted_push(device, MORNING)
    seen = factories.sighting(device, MORNING + timedelta(seconds=2))
    settle(NOW)
    found = page(push)
    assert [step.title for step in found["steps"]][-1] == "App woke"
    proof = next(row for row in found["seen"] if row.icon == "circle-check")
    assert proof.title == "REGISTER of this device, the proof"
    assert proof.place == f"proxy · /var/log/proxy.log, byte {seen.position:,}"
    assert proof.line == seen.line


def test_an_unhandled_call_ends_at_its_deadline(device):
    push = factories.accepted_push(device, MORNING)
    settle(NOW)
    found = page(push)
    assert found["steps"][-1].title == "App did not wake"
    assert found["steps"][-1].when == "Strike 1"
    assert found["seen"][-1].title == "Deadline passed, no sign of waking"
    assert found["feeds"] == [("proxy", NOW, "")]


def test_a_call_that_waits_for_a_feed_names_it(device):
    factories.feed(seen_until=MORNING)
    push = factories.accepted_push(device, MORNING)
    settle(MORNING + timedelta(seconds=41))
    content = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert "Verdict held: feed proxy is " in content
    held_by = page_of(rows().get(pk=push.pk), MORNING + timedelta(seconds=41))[
        "held_by"
    ]
    assert [(hold["feed"], hold["behind_seconds"]) for hold in held_by] == [
        ("proxy", 41)
    ]


@pytest.mark.parametrize(
    ("state", "titles"),
    [
        ("queued", ["Queued", "Waiting to be sent", "Accepted by APNs", "App woke"]),
        ("rejected", ["Queued", "Sent", "Rejected by APNs", "App woke"]),
        ("unknown", ["Queued", "Sent", "No answer", "App woke"]),
        ("expired", ["Queued", "Not sent", "Accepted by APNs", "App woke"]),
        ("accepted", ["Queued", "Sent", "Accepted by APNs", "Awaited"]),
    ],
)
def test_each_state_has_its_steps(device, state, titles):
    push = factories.accepted_push(device, MORNING, state=state)
    assert [step.title for step in steps_of(push, None, 1, NOW)] == titles


def test_an_error_inside_apns_is_an_answer_though_no_clear_one(device):
    push = factories.accepted_push(device, MORNING, state="unknown")
    push.reason = "InternalServerError"
    step = steps_of(push, None, 1, NOW)[2]
    assert (step.title, step.detail) == ("No clear answer", "InternalServerError")


@pytest.mark.parametrize(
    ("outcome", "status", "reason", "title"),
    [
        (
            "unknown",
            None,
            "no answer within 5.0 s",
            "Whether APNs took it is unknown: no answer within 5.0 s",
        ),
        ("unknown", 500, "InternalServerError", "APNs answered InternalServerError"),
        ("rejected", 400, "BadDeviceToken", "APNs answered BadDeviceToken"),
    ],
)
def test_apns_answered_only_where_it_did(device, outcome, status, reason, title):
    push = factories.accepted_push(device, MORNING, state=outcome)
    Push.objects.filter(pk=push.pk).update(reason=reason)
    push.attempts.create(
        number=1, started_at=MORNING, ended_at=MORNING, outcome=outcome, status=status
    )
    assert page(push)["seen"][-1].title == title


@pytest.mark.parametrize(
    ("push_type", "limit"), [("voip", 5120), ("alert", 4096), ("background", 4096)]
)
def test_the_size_is_that_of_the_bytes_on_the_wire(device, push_type, limit):
    push = factories.accepted_push(device, MORNING, push_type=push_type)
    push.payload = {"aps": {}, "from": "ж" * 600}
    push.save(update_fields=["payload"])
    found = page(push)
    on_the_wire = len('{"aps":{},"from":"' + 600 * "ж" + '"}') + 600
    assert (found["size"], found["limit"]) == (on_the_wire, limit)


def test_a_remote_push_ends_with_the_answer_of_apns(device):
    push = factories.accepted_push(device, MORNING, push_type="alert")
    assert len(steps_of(push, None, 1, NOW)) == 3


def test_no_token_stands_on_the_page(device):
    push = factories.accepted_push(device, timezone.now())
    content = people.browser_of("admin").get(f"/pushes/{push.pk}/").content.decode()
    assert push.token.token not in content
    assert push.token.masked in content


def test_a_payload_is_shown_and_never_run(device):
    push = factories.accepted_push(device, timezone.now())
    push.payload = {"aps": {"alert": '<script>x</script>"'}, "n": 30}
    push.save(update_fields=["payload"])
    content = people.browser_of("ops").get(f"/pushes/{push.pk}/").content.decode()
    assert "<script>x" not in content
    assert '<span class="k">&quot;alert&quot;</span>' in content
    assert '<span class="n">30</span>' in content
