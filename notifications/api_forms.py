"""What may be asked of `POST /api/v1/pushes`: JSON → a checked wish, or the wrong fields."""

from __future__ import annotations

import json

from django import forms

from notifications.gateway_forms import TOKEN, Refused, aor_of, storable
from notifications.models import Push
from registrations.models import Environment

TARGETS = ("device", "aor", "token")
#: The payloads an alert may have.
ALERTS = [
    Push.Kind.MESSAGE.value,
    Push.Kind.GROUP_CHAT.value,
    Push.Kind.CALL_ALERT.value,
    Push.Kind.CALL_END.value,
]
#: What goes with one target alone.
GOES_WITH = {"instance_id": "aor", "bundle_id": "token", "environment": "token"}


class Faulty(Refused):
    """A request with faults: field → what is wrong with it."""

    def __init__(self, status: int, faults: dict[str, str]) -> None:
        super().__init__(status, "; ".join(f"{k}: {why}" for k, why in faults.items()))
        self.faults = faults


class PushForm(forms.Form):
    """One wish; `device`, `aor` or `token` says for whom."""

    type = forms.ChoiceField(
        choices=Push.Type.choices,
        error_messages={"invalid_choice": "must be voip, alert or background"},
    )
    device = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    aor = forms.CharField(required=False, max_length=500)
    token = forms.CharField(required=False, max_length=400)
    instance_id = forms.CharField(required=False, max_length=500)
    bundle_id = forms.CharField(required=False, max_length=255)
    environment = forms.ChoiceField(
        choices=Environment.choices,
        required=False,
        error_messages={"invalid_choice": "must be production or sandbox"},
    )
    call_id = forms.CharField(required=False, max_length=255)
    from_uri = forms.CharField(required=False, max_length=500)
    display_name = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(
        choices=[(kind, kind) for kind in ALERTS],
        required=False,
        error_messages={"invalid_choice": f"must be one of {', '.join(ALERTS)}"},
    )
    loc_key = forms.CharField(required=False, max_length=100)
    chat_room = forms.CharField(required=False, max_length=500)

    def clean_token(self) -> str:
        token = self.cleaned_data["token"].lower()
        if token and not TOKEN.fullmatch(token):
            raise forms.ValidationError("must be hex of even length")
        return token

    def clean_aor(self) -> str:
        return aor_of(self.cleaned_data["aor"])

    def clean(self) -> dict:
        values = super().clean()
        if self.errors:
            return values
        named = [name for name in TARGETS if values.get(name)]
        if len(named) != 1:
            place = named[1] if named else "device"
            self.add_error(place, "exactly one of device, aor and token is needed")
        for name, target in GOES_WITH.items():
            if values.get(name) and target not in named:
                self.add_error(name, f"goes with {target} only")
        for name in ("loc_key", "kind", "chat_room"):
            if values.get(name) and values["type"] != Push.Type.ALERT:
                self.add_error(name, "goes with an alert only")
        return values


def said_in(body: bytes) -> dict:
    """The JSON object of a request. Raises Faulty."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise Faulty(400, {"body": "is no JSON"}) from None
    if not isinstance(said, dict):
        raise Faulty(400, {"body": "must be a JSON object"})
    return said


def wish_of(said: dict) -> dict:
    """The checked values, empty where nothing was said. Raises Faulty, all faults at once."""
    unknown = said.keys() - _fields()
    faults = {storable(k)[:100]: "is no field of a push" for k in unknown}
    faults |= {k: why for k, why in _types(said) if why}
    if faults:
        raise Faulty(422, faults)
    form = PushForm(said)
    if form.is_valid():
        return form.cleaned_data
    raise Faulty(422, {name: " ".join(said) for name, said in form.errors.items()})


def _fields() -> set[str]:
    return set(PushForm.base_fields)


def _types(said: dict):
    for name in said.keys() & _fields():
        value = said[name]
        if value is None:
            continue
        if name == "device":
            is_right, wanted = type(value) is int, "must be a number"
        else:
            is_right, wanted = isinstance(value, str), "must be a string"
        if is_right and isinstance(value, str) and value != storable(value):
            is_right, wanted = False, "holds what is no text"
        yield name, "" if is_right else wanted
