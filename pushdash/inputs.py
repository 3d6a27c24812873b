"""Draws the plain inputs and the menus of forms in Python: Settings has 76 fields, and Django
puts each input together from three templates, and each choice of a menu from two. Any other
widget is drawn by Django's own.
"""

from __future__ import annotations

from django.forms.renderers import DjangoTemplates
from django.utils.formats import localize
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

FOLDER = "django/forms/widgets/"
PLAIN = frozenset(
    f"{FOLDER}{name}.html"
    for name in ("checkbox", "email", "hidden", "number", "password", "text", "url")
)
MENU = f"{FOLDER}select.html"


class Inputs(DjangoTemplates):
    """Django's renderer of forms."""

    def render(self, template_name: str, context: dict, request=None) -> str:
        """The HTML of a form, a field or a widget."""
        if template_name in PLAIN:
            return drawn(context["widget"])
        if template_name == MENU:
            return menu(context["widget"])
        return super().render(template_name, context, request)


def drawn(widget: dict) -> SafeString:
    """What Django's `input.html` makes of it."""
    facts = {"type": widget["type"], "name": widget["name"]}
    if widget["value"] is not None:
        facts["value"] = widget["value"]
    # An attribute that is named twice stands twice, as in the template.
    told = "".join(_told(*each) for each in (*facts.items(), *widget["attrs"].items()))
    return mark_safe(f"<input{told}>")


def menu(widget: dict) -> SafeString:
    """What Django's `select.html` makes of it."""
    pieces = ["<select", *_told_of({"name": widget["name"], **widget["attrs"]}), ">"]
    for group, choices, _ in widget["optgroups"]:
        if group:
            pieces += ["\n  <optgroup", _told("label", group), ">"]
        pieces += [f"\n  {_choice(each)}\n" for each in choices]
        if group:
            pieces.append("\n  </optgroup>")
    return mark_safe("".join([*pieces, "\n</select>"]))


def _choice(choice: dict) -> str:
    told = "".join(_told_of({"value": choice["value"], **choice["attrs"]}))
    return f"<option{told}>{conditional_escape(localize(choice['label']))}</option>"


def _told_of(facts: dict) -> list[str]:
    return [_told(*fact) for fact in facts.items()]


def _told(name: str, value: object) -> str:
    if value is False:
        return ""
    name = conditional_escape(name)
    return (
        f" {name}" if value is True else f' {name}="{conditional_escape(_text(value))}"'
    )


def _text(value: object) -> str:
    return value if isinstance(value, SafeString) else str(value)
