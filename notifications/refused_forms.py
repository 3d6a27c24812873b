"""What was wrong in a form, kept in the session until its page says it beside the fields, once.

For forms that stand on a page with an address of its own: what is refused leads back to it.
"""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect

KEY = "refused_form"


def back_to(
    request: HttpRequest,
    address: str,
    name: str,
    form: forms.Form,
    row: int | None = None,
) -> HttpResponseRedirect:
    """Back to the page that has the form called `name`, with what was typed and its faults.
    `row`: which of the rows that have such a form.
    """
    faults = form.errors.get_json_data()
    request.session[KEY] = {
        "path": address.partition("?")[0],
        "name": name,
        "row": row,
        "values": {field: form.data.get(field, "") for field in form.fields},
        "faults": {
            field: [fault["message"] for fault in each]
            for field, each in faults.items()
        },
    }
    return redirect(f"{address}#{name}")


def refused_form(request: HttpRequest) -> dict[str, dict]:
    """The name of the form that was refused here → `values` and `faults` by field; else {}."""
    kept = request.session.get(KEY)
    if kept is None or kept["path"] != request.path:
        return {}
    del request.session[KEY]
    return {kept["name"]: kept}
