"""Whatever is typed into Pushes, Failures, Audit or a dry run is answered, never an error."""

from __future__ import annotations

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

NAMES = ["type", "outcome", "reason", "app", "origin", "state", "strikes", "at", "sip"]
VALUES = ["voip", ">=2", "<24h", "asleep", '"a b"', "\x00", "%", "'", "ü", "9" * 30, ""]
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
ADDRESSES = st.lists(st.tuples(FIELDS, QUERIES), max_size=6)


class Typed(TestCase):
    @classmethod
    def setUpTestData(cls):
        people.old_push(factories.registered_device())

    @settings(max_examples=60, deadline=None)
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
