"""Which INVITE an answer answers, in whatever order the log shows them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from registrations.branches import MOST_EARLY, Branches
from registrations.formats.record import Branch, Response
from tests.registrations.forks import branch, response

FILE = 7


def test_an_answer_without_its_invite_is_nobodys():
    branches = Branches()
    branches.sent(branch())
    assert branches.answered(response(branch="z9hG4bK.2"), FILE) is None
    assert branches.answered(response(call_id="c2"), FILE) is None
    assert branches.answered(response(), FILE) is not None


def test_an_answer_that_was_read_before_its_invite_waits_for_it():
    branches = Branches()
    early = [response(180), response(183), response(200)]
    assert [branches.answered(one, FILE) for one in early] == [None, None, None]
    assert branches.sent(branch(branch="z9hG4bK.2")) == []
    told = branches.sent(branch())
    assert [one.what.response.status for one in told] == [180, 200]
    assert {one.file_id for one in told} == {FILE}
    assert branches.sent(branch()) == []
    assert branches.answered(response(200), FILE) is None


def test_of_answers_without_an_invite_only_the_newest_wait():
    branches = Branches()
    for number in range(MOST_EARLY + 1):
        branches.answered(response(call_id=f"c{number}"), FILE)
    assert branches.sent(branch(call_id="c0")) == []
    assert len(branches.sent(branch(call_id=f"c{MOST_EARLY}"))) == 1
    assert len(branches.kept()) == MOST_EARLY + 1


def test_each_branch_tells_its_first_ringing_and_its_first_final_answer():
    branches = Branches()
    branches.sent(branch())
    statuses = [180, 183, 180, 200, 200, 486]
    told = [one for one in statuses if branches.answered(response(one), FILE)]
    assert told == [180, 200]


def told_by(branches: Branches, records: list[Branch | Response]) -> list[int]:
    """The answers that these records tell of, in order."""
    told = []
    for one in records:
        if isinstance(one, Branch):
            told += branches.sent(one)
        elif (answer := branches.answered(one, FILE)) is not None:
            told.append(answer)
    return [one.what.response.status for one in told]


ANSWERS = st.lists(st.sampled_from([180, 183, 200, 486]), max_size=6)


@given(ANSWERS, st.integers(0, 6), st.integers(0, 7))
def test_a_restart_in_between_changes_nothing(statuses, place, cut):
    records = [response(one) for one in statuses]
    records.insert(place, branch())
    expected = told_by(Branches(), records)
    before = Branches()
    told = told_by(before, records[:cut])
    after = Branches(json.loads(json.dumps(before.kept())))
    told += told_by(after, records[cut:])
    # A call that was answered for good may be forgotten: a copy of its answer then is too.
    assert told == expected
