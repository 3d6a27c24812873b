"""`watch_registrar` as a real process on a real Redis."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registrations.feeds import open_feed
from registrations.models import (
    Device,
    DeviceEvent,
    Feed,
    Gap,
    Holding,
    Registration,
    Sighting,
)
from registrations.registrar import Registrar
from registrations.sources.redis_registrar import Changes, connect
from tests.commands import manage, until
from tests.registrar import flexisip_redis

pytestmark = pytest.mark.django_db(transaction=True)
INSTANCE = "urn:uuid:11111111-0000-4000-8000-00000000000{}".format


def uri(token: int) -> str:
    return (
        f"sip:alice@192.0.2.7:50412;transport=tls;pn-prid={token:064x}:voip&"
        f"{token + 1000:064x}:remote;pn-provider=apns;"
        "pn-param=ABCD1234.org.example.phone.voip&remote"
    )


@pytest.fixture
def registrar(tmp_path):
    with flexisip_redis(tmp_path) as server:
        yield server


@pytest.fixture
def watch(registrar):
    with manage("watch_registrar", registrar.url, "--feed", "redis") as process:
        until(lambda: Feed.objects.filter(seen_until__isnull=False).exists(), process)
        yield process


def voip_tokens() -> set[str]:
    current = Holding.objects.filter(current=True, token__kind="voip")
    return set(current.values_list("token__token", flat=True))


def test_a_published_change_is_stored_within_a_second(registrar, watch):
    for token in (1, 2, 3):
        at = timezone.now()
        registrar.bind(
            "alice", uri(token), at, instance=INSTANCE(1), call_id=f"c{token}"
        )
        seconds = until(
            lambda token=token: f"{token:064x}" in str(voip_tokens()), watch
        )
        assert seconds < 1
        sighting = Sighting.objects.latest("id")
        assert abs(sighting.moment - at) < timedelta(seconds=1)
        assert (sighting.kind, sighting.call_id) == ("register", f"c{token}")
        assert sighting.feed.kind == Feed.Kind.REDIS
    assert Registration.objects.count() == 3
    assert Device.objects.count() == 1


def test_the_moment_is_never_before_the_second_the_phone_registered_in(
    registrar, watch
):
    """A push sent in the same second as the REGISTER that answered it is answered."""
    sent_at = timezone.now()
    registrar.bind("alice", uri(1), timezone.now(), instance=INSTANCE(1))
    until(Sighting.objects.exists, watch)
    assert Sighting.objects.get().moment >= sent_at.replace(microsecond=0)
    assert Sighting.objects.get().moment <= timezone.now()


def test_what_was_bound_before_is_known_but_no_sign_of_life(registrar, tmp_path):
    at = timezone.now() - timedelta(minutes=3)
    registrar.bind("alice", uri(1), at, instance=INSTANCE(1))
    with manage("watch_registrar", registrar.url, "--feed", "redis") as process:
        until(Device.objects.exists, process)
        registrar.bind("alice", uri(2), timezone.now(), instance=INSTANCE(2))
        until(Sighting.objects.exists, process)
    assert Sighting.objects.get().device.instance_id == INSTANCE(2)
    assert Device.objects.filter(bound=True).count() == 2


def test_a_binding_taken_away_ends_the_device_s_binding(registrar, tmp_path):
    at = timezone.now() - timedelta(minutes=3)
    for number in (1, 2):
        registrar.bind("alice", uri(number), at, instance=INSTANCE(number))
    with manage("watch_registrar", registrar.url, "--feed", "redis") as process:
        until(lambda: Device.objects.filter(bound=True).count() == 2, process)
        registrar.unbind("alice", INSTANCE(1))
        until(lambda: Device.objects.filter(bound=True).count() == 1, process, 2)
    assert Device.objects.get(bound=True).instance_id == INSTANCE(2)
    event = DeviceEvent.objects.get()
    assert event.kind == DeviceEvent.Kind.LOGGED_OUT
    assert event.device.instance_id == INSTANCE(1)


def test_a_key_that_runs_out_ends_its_bindings_by_the_event_of_redis(registrar, watch):
    """Flexisip publishes nothing then: the key is gone, and Redis says so."""
    at = timezone.now() - timedelta(minutes=3)
    for user, number in (("alice", 1), ("bob", 2)):
        registrar.bind(user, uri(number), at, instance=INSTANCE(number))
    until(lambda: Device.objects.filter(bound=True).count() == 2, watch)
    registrar.client.pexpire("fs:alice@sip.example.org", 300)
    until(lambda: Device.objects.filter(bound=True).count() == 1, watch)
    assert Device.objects.get(bound=True).aor == "sip:bob@sip.example.org"
    event = DeviceEvent.objects.get()
    assert (event.kind, event.device.instance_id) == ("logged_out", INSTANCE(1))


def test_a_logout_right_behind_the_registration_is_seen_too(registrar, watch):
    """It is not believed at once: a log may tell of a REGISTER before Redis does."""
    registrar.bind("alice", uri(1), timezone.now(), instance=INSTANCE(1))
    until(lambda: Device.objects.filter(bound=True).exists(), watch)
    registrar.unbind("alice", INSTANCE(1))
    seconds = until(lambda: not Device.objects.filter(bound=True).exists(), watch)
    assert 3 < seconds < 12
    assert DeviceEvent.objects.get().kind == DeviceEvent.Kind.LOGGED_OUT
    assert Sighting.objects.count() == 1


def test_with_use_global_domain_a_change_is_of_the_domain_we_are_told(registrar):
    options = "--feed", "redis", "--domain", "sip.example.org"
    now = timezone.now()
    with manage("watch_registrar", registrar.url, *options) as process:
        until(lambda: Feed.objects.filter(seen_until__isnull=False).exists(), process)
        for token, minutes in ((1, 4), (2, 3)):
            registrar.bind(
                "alice",
                uri(token),
                now - timedelta(minutes=minutes),
                instance=INSTANCE(1),
                call_id=f"c{token}",
                domain="merged",
            )
            until(lambda token=token: voip_tokens() == {f"{token:064x}"}, process)
        registrar.unbind("alice", INSTANCE(1), domain="merged")
        until(lambda: not Device.objects.filter(bound=True).exists(), process)
    assert Device.objects.get().aor == "sip:alice@sip.example.org"
    kinds = [row.kind for row in DeviceEvent.objects.all()]
    assert kinds == ["token_changed", "token_changed", "logged_out"]


def test_without_a_domain_a_change_is_of_the_device_with_its_instance(registrar, watch):
    registrar.bind("alice", uri(1), timezone.now(), instance=INSTANCE(1))
    until(Sighting.objects.exists, watch)
    now = timezone.now()
    registrar.bind(
        "alice", uri(2), now, instance=INSTANCE(1), call_id="c2", domain="merged"
    )
    until(lambda: voip_tokens() == {f"{2:064x}"}, watch)
    assert Device.objects.get().aor == "sip:alice@sip.example.org"


def test_an_aor_without_a_user_has_a_channel_of_its_domain_alone(registrar):
    expected = ["alice@sip.example.org", "sip.example.org", "[2001:db8::1]", "@"]
    odd = ["celery", "/0.celery.pidbox", "asgi:group:live", "__keyevent@0__:expired"]
    changes = Changes(connect(registrar.url))

    def heard() -> list[str]:
        changes.ping()
        return [key for key in iter(lambda: changes.next(1), "") if key is not None]

    assert heard() == []
    for channel in (*odd, *expected):
        registrar.client.publish(channel, "x")
    assert heard() == [f"fs:{one}" for one in expected]
    changes.close()


def test_keys_of_no_domain_are_told_where_none_is_named(registrar, caplog):
    at = timezone.now()
    registrar.bind("alice", uri(1), at, instance=INSTANCE(1), domain="merged")
    for domain, count in ((None, 1), ("sip.example.org", 0)):
        feed = open_feed(f"of {domain}", "redis", kind=Feed.Kind.LISTING)
        caplog.clear()
        with connect(registrar.url) as client:
            reader = Registrar(feed, client, domain=domain, clock=timezone.now)
            reader.read_all()
            reader.catch_up()
        assert caplog.text.count("use-global-domain") == count


def test_after_an_outage_everything_is_read_again_and_the_trouble_is_gone(
    registrar, watch
):
    at = timezone.now() - timedelta(minutes=1)
    registrar.bind("alice", uri(1), at, instance=INSTANCE(1))
    until(lambda: Device.objects.filter(bound=True).exists(), watch)
    Device.objects.update(last_registered_at=at)
    registrar.stop()
    until(lambda: "does not answer" in Feed.objects.get().trouble, watch)
    seen_until = Feed.objects.get().seen_until
    assert Feed.objects.get().seen_until == seen_until

    registrar.start()
    now = timezone.now()
    registrar.client.config_set("appendonly", "no")
    registrar.bind("bob", uri(7), now, instance=INSTANCE(7))
    until(lambda: f"{7:064x}" in str(voip_tokens()), watch)
    until(lambda: Feed.objects.get().trouble == "", watch)
    assert Feed.objects.get().seen_until > seen_until
    gap = Gap.objects.latest("until")
    assert gap.why == "away" and gap.since <= seen_until < gap.until
    # Redis lost alice while we were away: she is bound no more.
    until(lambda: not Device.objects.filter(aor__contains="alice", bound=True), watch)


def test_the_watermark_follows_the_clock_while_redis_answers(watch):
    first = Feed.objects.get().seen_until
    until(lambda: Feed.objects.get().seen_until > first + timedelta(seconds=2), watch)
    assert timezone.now() - Feed.objects.get().seen_until < timedelta(seconds=3)


def test_values_that_are_no_binding_do_not_stop_it(registrar, watch):
    registrar.client.hset("fs:eve@sip.example.org", "f", b"\xff\x00 nonsense")
    registrar.client.publish("eve@sip.example.org", "f")
    registrar.client.publish("nobody@nowhere", "")
    registrar.client.publish("@", "")
    registrar.client.set("fs:text@sip.example.org", "x")
    registrar.client.publish("text@sip.example.org", "x")
    registrar.bind("alice", uri(1), timezone.now(), instance=INSTANCE(1))
    assert until(Sighting.objects.exists, watch) < 2
    assert Device.objects.count() == 1
