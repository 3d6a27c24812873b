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


def test_ios_is_told_from_an_app_whose_name_ends_so():
    assert agent_of("LinphoneiOS/5.2.4 (iPhone 13) LinphoneSDK/5.3").ios == ""
    assert agent_of("Acme/2.8 (iPhone 13; iOS 17.4.1)").ios == "17.4.1"
    assert agent_of("Acme/2.8 (iPhone; CPU iPhone OS 16_6)").ios == "16.6"


def test_the_name_a_person_gave_a_phone_is_no_model():
    assert agent_of("LinphoneiOS/5.2 (Ann's iPhone) LinphoneSDK/5").model == "iPhone"
    assert agent_of("Acme/1.0 (iPhone de Marie)").model == "iPhone"
    assert agent_of("LinphoneiOS/5.2 (Ann) LinphoneSDK/5").model == ""
    name = "iPhone SE (3rd generation)"
    assert agent_of(f"LinphoneiOS/5.2 ({name}) LinphoneSDK/5").model == name
