"""Whatever an address says of a list, the search, a file or a dry run is answered."""

from __future__ import annotations

import pytest
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from notifications.audit_list import audit_page
from notifications.bulk_forms import chosen_by, kind_of, list_address
from notifications.bulk_plan import plan
from notifications.failure_list import failures
from notifications.push_list import pushes
from tests import factories
from tests.notifications import people

NAMES = [
    "type",
    "outcome",
    "reason",
    "app",
    "origin",
    "state",
    "strikes",
    "at",
    "sip",
    "hour",
]
VALUES = ["voip", ">=2", "<24h", "asleep", '"a b"', "\x00", "%", "'", "ü", "9" * 30, ""]
VALUES += ["14:02", "2026-11-29T14:02..14:30", "1970-01-02", "23:59:60"]
TERMS = st.builds(
    lambda minus, name, value: f"{minus}{name}:{value}",
    st.sampled_from(["", "-", "--"]),
    st.sampled_from(NAMES) | st.text(max_size=6),
    st.sampled_from(VALUES) | st.text(max_size=12),
)
QUERIES = st.lists(TERMS | st.text(max_size=20), max_size=4).map(" ".join)
FIELDS = st.sampled_from(
    ["q", "span", "sort", "rows", "col", "push", "kind", "all", "who", "what", "before"]
    + ["after", "tab", "type", "outcome", "reason"]
)
UUID = "0b0e5a51-0000-4000-8000-000000000001"
ADDRESSES = st.lists(st.tuples(FIELDS, QUERIES), max_size=6)
#: Places in a list: of each kind, and at the edges of what PostgreSQL can compare with.
MOMENTS = ["2026-11-24T09:00:00Z", "2026-11-24T09:00:00+23:59", "now", ""]
MOMENTS += ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"]
NUMBERS = ["1", "9" * 18, str(2**63), "-1", "9" * 5000, "1e3", "", UUID]
PLACES = st.sampled_from(NUMBERS) | st.builds(
    "{}|{}".format,
    st.sampled_from([*MOMENTS, *NUMBERS]),
    st.sampled_from([*NUMBERS, "SIP:A\x00", "ü"]),
)
CHOICES = {
    "q": QUERIES,
    "sort": st.sampled_from(["seen", "unseen", "strikes", "aor", "aor_down", "x", ""]),
    "rows": st.sampled_from(["25", "200", "-1", "9" * 5000, "ü"]),
    "col": st.sampled_from(["app", "strikes", "x\x00"]),
    "before": PLACES,
    "after": PLACES,
    "from": st.sampled_from(MOMENTS),
    "who": QUERIES,
    "outcome": st.sampled_from(["late", "lost", "x"]),
    "whole": st.just("1"),
}
PAGES = ["/devices/", "/malformed/", "/search/", "/pushes/", "/audit/"]
FILES = ["/export/devices.csv", "/export/pushes.ndjson", "/export/malformed.csv"]
FILES += ["/export/audit.ndjson"]


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
class Typed(TestCase):
    @classmethod
    def setUpTestData(cls):
        people.old_push(factories.registered_device())
        people.person("admin")

    @settings(max_examples=60)
    @given(ADDRESSES, QUERIES)
    def test_every_address_gives_a_page(self, fields, q):
        asked, now = QueryDict(mutable=True), timezone.now()
        for name, value in [*fields, ("q", q)]:
            asked.appendlist(name, value)
        found = pushes(asked, now)
        assert found.rows == [] or not found.faults
        failures(asked, now, sees_activity=True)
        audit_page(asked, now)
        plan(chosen_by(asked, now), kind_of(asked), now)
        list_address(asked)

    @settings(max_examples=15)
    @given(st.fixed_dictionaries({}, optional=CHOICES))
    def test_every_page_and_file_is_answered(self, fields):
        browser = people.browser_of("admin")
        for page in PAGES:
            assert browser.get(page, fields).status_code in {200, 302}
        for file in FILES:
            answer = browser.get(file, fields)
            assert answer.status_code in {200, 400}
            assert b"".join(answer) or answer.status_code == 200
