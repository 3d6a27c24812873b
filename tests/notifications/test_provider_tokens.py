"""The provider token all processes share, in PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from notifications.apns import ProviderToken
from notifications.models import SharedToken
from notifications.provider_tokens import SharedShelf

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_many_who_sign_at_once_one_token_stands():
    def put(number: int) -> ProviderToken:
        return SharedShelf().put("T/K", ProviderToken(f"jwt {number}", number), None)

    with ThreadPoolExecutor(8) as pool:
        standing = set(pool.map(put, range(8)))
    assert len(standing) == 1
    assert SharedShelf().take("T/K") in standing


def test_only_the_token_that_was_refused_is_replaced():
    shelf = SharedShelf()
    first, second = ProviderToken("one", 1), ProviderToken("two", 2)
    shelf.put("T/K", first, None)
    assert shelf.put("T/K", second, first) == second
    assert shelf.put("T/K", ProviderToken("three", 3), first) == second


def test_the_token_is_sealed_and_one_that_cannot_be_opened_counts_as_none():
    shelf = SharedShelf()
    shelf.put("T/K", ProviderToken("the token", 1), None)
    assert b"the token" not in bytes(SharedToken.objects.get().sealed)
    SharedToken.objects.update(sealed=b"of another ring")
    assert shelf.take("T/K") is None
    new = ProviderToken("new", 2)
    assert shelf.put("T/K", new, None) == new
    assert shelf.take("T/K") == new
