"""A push as programs are told of it: by `manage.py push --json` and by the API."""

from __future__ import annotations

from notifications.models import Push


def as_dict(push: Push) -> dict:
    """Its state, tries and verdict; times ISO 8601 UTC, the token masked."""
    call = push.sip_call
    return {
        "id": str(push.pk),
        "aor": push.device.aor,
        "device": push.device_id,
        "instance_id": push.device.instance_id,
        "type": push.push_type,
        "kind": push.kind or None,
        "token": push.token.masked,
        "call_id": push.call_id or None,
        "origin": push.origin,
        "state": push.state,
        "final": push.state in Push.FINAL,
        "reason": push.reason or None,
        "created_at": push.created_at.isoformat(),
        "accepted_at": push.accepted_at and push.accepted_at.isoformat(),
        "ended_at": push.ended_at and push.ended_at.isoformat(),
        "attempts": push.attempt_count,
        "verdict": call and call.verdict,
        "rule": call and call.rule,
        "wake_seconds": call and call.wake_time and call.wake_time.total_seconds(),
        "evidence": call and call.evidence,
        "held_by": call.held_by if call else [],
    }
