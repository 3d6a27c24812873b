"""The query language: whatever is typed gives terms or sentences, never an exception."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from notifications.device_terms import fitting, kinds
from notifications.keyset import words
from notifications.terms import Age, Number, OneOf, Text, read_query, written
from registrations.models import Device

KNOWN = {
    "state": OneOf({"fine": "Fine", "silent": "Silent"}),
    "strikes": Number({}),
    "seen": Age({}),
    "app": Text({}),
}
PIECES = st.sampled_from(
    [
        "state:",
        "strikes:",
        ">=",
        "<",
        "24h",
        '"',
        "fine",
        "app:",
        "ios:",
        " ",
        "sip:",
        "\\",
    ]
)


def told(text: str) -> list[tuple]:
    query = read_query(text, KNOWN)
    assert query.faults == ()
    return [(term.name, term.sign, term.value) for term in query.terms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("alice  bob", [("", "", "alice"), ("", "", "bob")]),
        ("State:FINE", [("state", "", "fine")]),
        ("strikes:>=2", [("strikes", ">=", 2)]),
        ("strikes:3", [("strikes", "", 3)]),
        ("seen:<24h", [("seen", "<", timedelta(hours=24))]),
        ('app:"a b" x', [("app", "", "a b"), ("", "", "x")]),
        ('"two words"', [("", "", "two words")]),
        ("sip:a@b.org", [("", "", "sip:a@b.org")]),
        ("urn:uuid:0-1", [("", "", "urn:uuid:0-1")]),
        ("10.0.0.1:5060", [("", "", "10.0.0.1:5060")]),
    ],
)
def test_what_is_typed_becomes_terms(text, expected):
    assert told(text) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("state:odd", "state:odd: state is one of fine, silent"),
        ("strikes:many", "strikes:many: strikes takes a number, as 3 or >=2"),
        ("seen:24h", "seen:24h: seen takes an age, as <24h or >7d (m, h, d, w)"),
        ("sate:fine", "No filter is called sate. Did you mean state:?"),
        ("x:1", "No filter is called x. There are state:, strikes:, seen:, app:."),
        ("state:", "state: wants a value behind it"),
    ],
)
def test_a_wrong_word_is_named_with_what_it_takes(text, fault):
    query = read_query(f"alice {text}", KNOWN)
    assert query.faults == (fault,)
    assert [term.value for term in query.terms] == ["alice"]


def test_a_query_goes_on_without_a_term():
    query = read_query('alice state:fine app:"a b"', KNOWN)
    assert query.without(query.terms[1]) == 'alice app:"a b"'


def test_a_term_is_written_so_that_it_is_read():
    assert told(written("app", "a b")) == [("app", "", "a b")]
    assert told(written("strikes", ">=2")) == [("strikes", ">=", 2)]


class AnyInput(TestCase):
    """Through PostgreSQL: rows or a sentence."""

    @settings(max_examples=300)
    @given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=8).map("".join)))
    def test_gives_rows_or_a_sentence(self, text):
        query = read_query(words(text), kinds([]))
        rows = list(fitting(Device.objects.all(), query, timezone.now()))
        assert not (rows and query.faults)


def test_a_term_behind_a_minus_leaves_out_what_it_fits():
    asked = read_query("-state:fine -alice a-b", KNOWN)
    assert [(term.name, term.value, term.is_not) for term in asked.terms] == [
        ("state", "fine", True),
        ("", "-alice", False),
        ("", "a-b", False),
    ]


def test_a_filter_of_another_list_is_told_where_it_belongs():
    query = read_query("type:voip", KNOWN, {"type": "Pushes"})
    assert query.faults == ("type: can be asked of Pushes.",)
