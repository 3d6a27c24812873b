"""Verdicts, strikes and states come out the same whatever order evidence arrives in."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.risk_orders import arrivals
from tests.notifications.histories import as_it_comes, at_once, facts, told


@settings(max_examples=300)
@given(st.lists(facts(), min_size=1, max_size=14), st.randoms(use_true_random=False))
def test_any_order_and_any_batches_give_the_same_verdicts_strikes_and_state(
    known, dice
):
    expected = told(at_once(known))
    for batches in arrivals(known, dice):
        assert told(as_it_comes(batches)) == expected
