"""Draws the plain inputs of forms in Python: Settings has 76 fields, and Django puts each
together from three templates. Any other widget is drawn by Django's own.
"""

from __future__ import annotations

from django.forms.renderers import DjangoTemplates
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

FOLDER = "django/forms/widgets/"
PLAIN = frozenset(
    f"{FOLDER}{name}.html"
    for name in ("checkbox", "email", "hidden", "number", "password", "text", "url")
)


class Inputs(DjangoTemplates):
    """Django's renderer of forms."""

    def render(self, template_name: str, context: dict, request=None) -> str:
        """The HTML of a form, a field or a widget."""
        if template_name in PLAIN:
            return drawn(context["widget"])
        return super().render(template_name, context, request)


def drawn(widget: dict) -> SafeString:
    """What Django's `input.html` makes of it."""
    facts = {"type": widget["type"], "name": widget["name"]}
    if widget["value"] is not None:
        facts["value"] = widget["value"]
    # An attribute that is named twice stands twice, as in the template.
    told = "".join(_told(*each) for each in (*facts.items(), *widget["attrs"].items()))
    return mark_safe(f"<input{told}>")


def _told(name: str, value: object) -> str:
    if value is False:
        return ""
    name = conditional_escape(name)
    return (
        f" {name}" if value is True else f' {name}="{conditional_escape(_text(value))}"'
    )


def _text(value: object) -> str:
    return value if isinstance(value, SafeString) else str(value)
