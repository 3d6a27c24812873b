"""Inputs drawn in Python are those of Django's templates."""

from __future__ import annotations

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from pushdash.inputs import Inputs

WIDGETS = (
    *(forms.TextInput, forms.NumberInput, forms.PasswordInput, forms.HiddenInput),
    *(forms.CheckboxInput, forms.EmailInput, forms.URLInput, forms.Textarea),
)
VALUES = (
    *(None, "", "0", 0, 30, 1.5, True, False, '"><script>&', "é ж", ["a"]),
    mark_safe("&amp;"),
)
ATTRS = (
    {},
    {"id": "id_n", "class": "form-control", "min": 1, "step": "any"},
    {"required": True, "disabled": False, "data-x": '"&<', "maxlength": "5"},
    {"value": "twice", "x y>": mark_safe("&lt;")},
)


@pytest.mark.parametrize("widget", WIDGETS)
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("attrs", ATTRS)
def test_an_input_is_what_django_draws(widget, value, attrs):
    drawn = [
        widget().render("n", value, attrs, renderer=each())
        for each in (Inputs, DjangoTemplates)
    ]
    assert drawn[0] == drawn[1]


def test_a_whole_form_is_what_django_draws():
    class Form(forms.Form):
        name = forms.CharField(max_length=9, initial="a&b", help_text="why")
        number = forms.IntegerField(min_value=1, max_value=9)
        choice = forms.ChoiceField(choices=[("a", "A"), ("b", "B")])
        is_on = forms.BooleanField(required=False, initial=True)

    for data in (None, {"number": "x"}):
        drawn = [str(Form(data, renderer=each())) for each in (Inputs, DjangoTemplates)]
        assert drawn[0] == drawn[1]


CHOICES = (
    [],
    [("a", "A"), ("b", "<B>"), ("", "none"), (None, "nothing")],
    [(1, gettext_lazy("Devices")), (2000, 2000), (0, mark_safe("<i>"))],
    [("One & two", [("1", "one"), ("2", "two")]), ("3", "three")],
)


@pytest.mark.parametrize("choices", CHOICES)
@pytest.mark.parametrize("value", (None, "", "a", 1, "2", '"<'))
@pytest.mark.parametrize("attrs", ATTRS)
def test_a_menu_is_what_django_draws(choices, value, attrs):
    drawn = [
        forms.Select(choices=choices).render("n", value, attrs, renderer=each())
        for each in (Inputs, DjangoTemplates)
    ]
    assert drawn[0] == drawn[1]
