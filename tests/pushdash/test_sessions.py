"""Sessions are read as Django reads them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pushdash.sessions import SessionStore

pytestmark = pytest.mark.django_db


def stored(lasting: timedelta) -> SessionStore:
    store = SessionStore()
    store["who"] = "ada"
    store.set_expiry(lasting)
    store.create()
    return store


def test_a_session_is_read_by_its_key(django_assert_num_queries):
    key = stored(timedelta(hours=1)).session_key
    with django_assert_num_queries(1):
        read = SessionStore(key)
        assert (read["who"], read.session_key) == ("ada", key)


def test_one_that_is_over_or_of_nobody_is_empty_and_gets_no_key():
    for key in (stored(-timedelta(seconds=1)).session_key, "x" * 32, None):
        read = SessionStore(key)
        assert dict(read.items()) == {}
        assert read.session_key is None
