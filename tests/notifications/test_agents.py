"""User-Agents in words."""

from __future__ import annotations

from notifications.agents import agent_of


def test_linphone_says_app_phone_and_sdk():
    text = "LinphoneiOS/5.2.4 (iPhone SE (3rd generation)) LinphoneSDK/5.3.26"
    found = agent_of(text)
    assert found.short == "LinphoneiOS 5.2.4"
    assert found.build == "5.2.4 (iPhone SE (3rd generation)), SDK 5.3.26"


def test_a_name_without_version_is_its_own_name():
    assert agent_of("Snom").short == "Snom"
    assert agent_of("").build == ""
