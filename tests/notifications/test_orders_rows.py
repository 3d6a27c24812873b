"""Rows settled in any order are what a rebuild and the pure rules say."""

from __future__ import annotations

import random

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.risk_orders import batches, looking
from tests.notifications.histories import facts
from tests.notifications.history_rows import as_it_comes, concluded

pytestmark = pytest.mark.django_db


# The same ten each time; `bin/bench risk-rows` looks at others.
@settings(looking(10), derandomize=True)
@given(st.lists(facts(), min_size=3, max_size=20), st.integers())
def test_rows_settled_in_any_order_equal_a_rebuild_and_the_pure_rules(known, seed):
    dice = random.Random(seed)
    pieces = batches(dice.sample(known, len(known)), dice)
    with transaction.atomic():
        assert as_it_comes(pieces) == concluded(known)
        transaction.set_rollback(True)
