"""What is read out of an answer, whatever stands in it."""

from __future__ import annotations

import pytest

from notifications.apns import REASONS, Kind, Outcome, result_of


@pytest.mark.parametrize(
    ("timestamp", "seconds"),
    [
        ("1700000000000", 1_700_000_000),
        ("1700000000000.0", 1_700_000_000),
        ("1700000000", None),  # seconds: a moment of 1970
        ("253402300799000", None),  # the last second of 9999
        ("-62135596800000", None),
        ("true", None),
        ('"1700000000000"', None),
        ("NaN", None),
        ("1e400", None),
        ("9" * 400, None),
    ],
)
def test_a_moment_that_can_be_none_is_left_out(timestamp, seconds):
    body = f'{{"reason": "Unregistered", "timestamp": {timestamp}}}'.encode()
    result = result_of(410, {}, body)
    assert (result.outcome, result.reason) == (Outcome.REJECTED, "Unregistered")
    said = result.gone_since and result.gone_since.timestamp()
    assert said == seconds


#: Apple's table, as APNs answers it: status, kind, and the reasons of both.
TABLE = [
    (
        400,
        Kind.REQUEST,
        "BadCollapseId BadExpirationDate BadMessageId BadPriority BadTopic",
    ),
    (
        400,
        Kind.REQUEST,
        "InvalidPushType DuplicateHeaders MissingTopic MissingDeviceToken",
    ),
    (400, Kind.REQUEST, "PayloadEmpty"),
    (400, Kind.ELSEWHERE, "BadDeviceToken"),
    (400, Kind.OTHER_TOPIC, "DeviceTokenNotForTopic"),
    (400, Kind.CREDENTIAL, "TopicDisallowed"),
    (400, Kind.SERVER, "IdleTimeout"),
    (
        403,
        Kind.CREDENTIAL,
        "BadCertificate BadCertificateEnvironment ExpiredProviderToken",
    ),
    (403, Kind.CREDENTIAL, "InvalidProviderToken MissingProviderToken Forbidden"),
    (403, Kind.CREDENTIAL, "UnrelatedKeyIdInToken BadEnvironmentKeyIdInToken"),
    (404, Kind.REQUEST, "BadPath"),
    (405, Kind.REQUEST, "MethodNotAllowed"),
    (410, Kind.GONE, "Unregistered ExpiredToken"),
    (413, Kind.REQUEST, "PayloadTooLarge"),
    (429, Kind.PACE, "TooManyRequests TooManyProviderTokenUpdates"),
    (500, Kind.SERVER, "InternalServerError"),
    (503, Kind.SERVER, "ServiceUnavailable Shutdown"),
]
#: Not processed, and nothing has to be mended first.
AGAIN = {"IdleTimeout", "ServiceUnavailable", "Shutdown"}


def test_every_reason_of_apple_has_its_kind_and_says_what_to_do():
    wanted = {
        name: (status, kind) for status, kind, names in TABLE for name in names.split()
    }
    assert {name: (one.status, one.kind) for name, one in REASONS.items()} == wanted
    assert {name for name, one in REASONS.items() if one.retry_safe} == AGAIN
    assert all(one.meaning and one.remedy for one in REASONS.values())
