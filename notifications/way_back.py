"""The way back to the list that rows were ticked on, as an address carries it."""

from __future__ import annotations

from collections.abc import Mapping

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

#: What such an address calls it.
NAME = "list"
LISTS = {
    "pushes": _("Pushes"),
    "devices": _("Devices"),
    "failures": _("Failures"),
}
LONGEST = 8000


def way_back(asked: Mapping[str, str], page: str, rest: str) -> tuple[str, str]:
    """Address and name of the list that an address names; of any other it names `page` with
    the `rest` of an address.
    """
    named = asked.get(NAME, "")[:LONGEST]
    path = named.partition("?")[0]
    for name, label in LISTS.items():
        if path == reverse(f"notifications:{name}"):
            return named, str(label)
    address = reverse(f"notifications:{page}")
    return f"{address}?{rest}" if rest else address, str(LISTS[page])
