"""What Settings says of alarms are the numbers the alarms use."""

from __future__ import annotations

import pytest

from notifications import breaker, expiry, regression, sources
from notifications.alarm_rules import alarm_rules
from tests.notifications import people


def test_each_alarm_says_its_own_numbers():
    said = {rule.name: rule.begins for rule in alarm_rules()}
    assert said["A source is behind or silent"].startswith(
        f"By more than {sources.BEHIND.seconds} s"
    )
    assert f"Of {regression.FLOOR} judged" in said["A release stopped waking"]
    assert said["A certificate ends"] == "60, 30, 14, 7, 1 days before."
    assert set(expiry.STAGES) == {60, 30, 14, 7, 1}
    jump = said["Tokens of another environment or topic"]
    assert jump.startswith(f"{breaker.JUMP_LEAST} tokens and 30 % of all")
    assert breaker.JUMP_SHARE == 0.3


@pytest.mark.django_db
def test_settings_lists_every_alarm():
    page = people.browser_of("ops").get("/settings/").content.decode()
    for rule in alarm_rules():
        assert rule.name in page
