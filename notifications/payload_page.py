"""The read model of an app's payload page: each kind with its template and a preview."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from notifications.models import App, PayloadTemplate, Push
from notifications.payload_form import TemplateForm
from notifications.payloads import (
    DEFAULTS,
    LIMITS,
    NAMES,
    TemplateError,
    Values,
    filled,
    push_type_of,
    size_of,
)
from notifications.policy import life_of_kind
from registrations.models import Device

#: Who calls in the preview: a name that would break JSON made by hand.
CALLER, CALLER_URI = 'Ann "Annie" Müller', "sip:ann@example.org"
EXAMPLE = "<sip:you@192.0.2.1>"


@dataclass(frozen=True, slots=True)
class Card:
    """One kind: its form, what it makes for the device, or why it makes nothing."""

    kind: str
    label: str
    push_type: str
    is_own: bool
    form: TemplateForm
    payload: dict | None
    size: int
    limit: int
    error: str


def payload_page(app: App, aor: str, form: TemplateForm | None, now: datetime) -> dict:
    """`aor`: whose values fill the preview; empty or unknown: an example's. `form`: what
    was typed for one kind and is not stored.
    """
    devices = Device.objects.filter(bundle_id=app.bundle_id)
    device = devices.filter(aor=aor.strip()).last() if aor else devices.last()
    own = {row.kind: row.body for row in PayloadTemplate.objects.filter(app=app)}
    return {
        "page": "settings",
        "app": app,
        "aor": aor or (device.aor if device else ""),
        "device": device,
        "is_unknown": bool(aor) and device is None,
        "placeholders": NAMES.items(),
        "cards": [
            _card(kind, label, own, form, app, device, now)
            for kind, label in Push.Kind.choices
        ],
    }


def _card(kind, label, own, form, app, device, now) -> Card:
    template = own.get(kind, DEFAULTS[kind])
    is_typed = form is not None and form.kind == kind
    if is_typed and form.is_valid():
        template = form.cleaned_data["body"]
    if not is_typed:
        text = json.dumps(template, indent=2, ensure_ascii=False)
        form = TemplateForm(kind, initial={"body": text}, auto_id=f"{kind}-%s")
    push_type = push_type_of(kind)
    payload, error = None, ""
    try:
        payload = filled(template, kind, _values(app, kind, device, now))
    except TemplateError as refusal:
        error = str(refusal)
    return Card(
        kind=kind,
        label=label,
        push_type=push_type,
        is_own=kind in own,
        form=form,
        payload=payload,
        size=size_of(payload) if payload is not None else 0,
        limit=LIMITS[push_type],
        error=error,
    )


def _values(app: App, kind: str, device: Device | None, now: datetime) -> Values:
    return Values(
        contact=device.contact if device else EXAMPLE,
        instance_id=(device.instance_id if device else "urn:uuid:example") or "",
        call_id="3848276298220188511@example.org",
        from_uri=CALLER_URI,
        display_name=CALLER,
        sent_at=now,
        ttl=int(life_of_kind(app, kind, push_type_of(kind)).total_seconds()),
    )
