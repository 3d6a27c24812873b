"""Where a credential's pushes go."""

from __future__ import annotations

import pytest

from notifications.apns import Proxy
from notifications.credentials import CredentialError, proxy_of, server_of
from notifications.models import Credential


def test_apple_is_reached_through_the_proxy_and_another_server_is_not(settings):
    settings.APNS_PROXY = "http://proxy.example:3128"
    apple = Credential(server="production")
    other = Credential(server="other", host="localhost", port=9443)
    assert server_of(apple).proxy == Proxy("proxy.example", 3128)
    assert server_of(apple).host == "api.push.apple.com"
    assert server_of(other).proxy is None


@pytest.mark.parametrize("text", ["proxy.example", "proxy:x", ":3128"])
def test_a_proxy_that_is_none_is_named(text):
    with pytest.raises(CredentialError, match="PUSHDASH_APNS_PROXY"):
        proxy_of(text)
