"""What can go wrong before Apple has answered, with what is surely known of the push."""

from __future__ import annotations


class ApnsError(Exception):
    """The root of everything `notifications.apns` raises."""


class BadPush(ApnsError):
    """A push that must not be sent: Apple would refuse it, or nothing could."""


class NotProcessed(ApnsError):
    """Surely not processed by APNs: safe to try again."""


class Lost(ApnsError):
    """Left the house, and no answer will come: nobody knows."""
