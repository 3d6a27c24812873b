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
#: The last step of a push that was sent for a call.
CALL = "Call answered"


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
    assert [step.title for step in found["steps"]][3] == "App woke"
    proof = next(row for row in found["seen"] if row.icon == "circle-check")
    assert proof.title == "REGISTER of this device, the proof"
    assert proof.place == f"proxy · /var/log/proxy.log, byte {seen.position:,}"
    assert proof.line == seen.line


def test_an_unhandled_call_ends_at_its_deadline(device):
    push = factories.accepted_push(device, MORNING)
    settle(NOW)
    found = page(push)
    assert found["steps"][3].title == "App did not wake"
    assert found["steps"][3].when == "Strike 1"
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
        (
            "queued",
            ["Queued", "Waiting to be sent", "Accepted by APNs", "App woke", CALL],
        ),
        ("rejected", ["Queued", "Sent", "Rejected by APNs", "App woke", CALL]),
        ("unknown", ["Queued", "Sent", "No answer", "App woke", CALL]),
        ("expired", ["Queued", "Not sent", "Accepted by APNs", "App woke", CALL]),
        ("accepted", ["Queued", "Sent", "Accepted by APNs", "Awaited", CALL]),
    ],
)
def test_each_state_has_its_steps(device, state, titles):
    push = factories.accepted_push(device, MORNING, state=state)
    assert [step.title for step in steps_of(push, None, 1, NOW)] == titles


def test_a_push_of_no_call_has_no_step_for_one(device):
    push = factories.accepted_push(device, MORNING)
    push.call_id = ""
    assert len(steps_of(push, None, 1, NOW)) == 4


def last_step(push) -> tuple[str, str, str]:
    step = page(push)["steps"][-1]
    return step.title, step.when, step.detail


@pytest.mark.parametrize(
    ("codes", "title", "told"),
    [
        ([180], "It rang", "SIP answer 180, and no end of the call was seen"),
        ([180, 200], "Call answered", "SIP answer 200"),
        ([180, 487], "It rang", "the caller hung up first"),
        ([180, 603], "Call declined or busy", "SIP answer 603"),
        ([486, 180], "Call declined or busy", "SIP answer 486"),
    ],
)
def test_what_this_phone_answered_ends_the_way_of_its_call(device, codes, title, told):
    push = factories.accepted_push(device, MORNING)
    for second, code in enumerate(codes, 2):
        at = push.created_at + timedelta(seconds=second)
        factories.sighting(device, at, "answer", call_id=push.call_id, code=code)
    found = last_step(push)
    assert (found[0], found[2]) == (title, told)
    assert found[1].startswith("+ ")


def test_a_call_that_another_phone_took_says_so(device):
    push = factories.accepted_push(device, MORNING)
    other = factories.registered_device(device.aor)
    at = MORNING + timedelta(seconds=4)
    factories.sighting(other, at, "answer", call_id=push.call_id, code=200)
    assert last_step(push)[0] == "Answered elsewhere"
    factories.sighting(other, at, "answer", call_id="another", code=200)
    factories.sighting(device, at, "answer", call_id=push.call_id, code=180)
    assert last_step(push)[0] == "It rang"


def test_what_no_log_shows_is_unknown_and_what_never_woke_was_not_reached(device):
    push = factories.accepted_push(device, MORNING)
    factories.feed(seen_until=NOW)
    settle(NOW)
    assert last_step(push) == ("Call answered", "", "not reached")
    second = factories.accepted_push(device, MORNING + timedelta(minutes=2))
    factories.sighting(device, MORNING + timedelta(minutes=2, seconds=3))
    settle(NOW)
    none = "no log shows what this phone answered"
    assert last_step(second) == ("Call answered", "unknown", none)


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
