"""The pieces that a list has in each of its rows, as HTML. In Python: a list of fifty rows
spent a third of its time on including templates of one line. Loaded for every template.
"""

from __future__ import annotations

from datetime import datetime

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from notifications.models import TokenHealth
from notifications.templatetags.pushdash import (
    health_tone,
    host_part,
    in_full,
    user_part,
    visible,
)
from notifications.wording import ago, struck

register = template.Library()
register.simple_tag(struck)
#: Asked a hundred times a page: Django's own way to a label makes this dict each time.
HEALTH_LABELS = dict(TokenHealth.State.choices)
#: A meter draws so many strikes.
PIPS = 3


@register.simple_tag
def dot(tone: str, label: str = "") -> SafeString:
    """A dot of colour; what it says, where no words stand beside it."""
    if not label:
        return format_html('<span class="pd-dot {}"></span>', tone)
    html = '<span class="pd-dot {}" role="img" aria-label="{}"></span>'
    return format_html(html, tone, label)


@register.filter
def instant(at: datetime | None) -> SafeString:
    """`5 min ago`, with the moment on hover."""
    if not at:
        return format_html('<span class="fnt">{}</span>', gettext("never"))
    told = gettext("%(span)s ago") % {"span": ago(at, timezone.now())}
    html = '<time datetime="{}" title="{}" data-rel>{}</time>'
    return format_html(html, _iso(at), in_full(at), told)


@register.filter
def clock(at: datetime) -> SafeString:
    """`14:02:31`, with the day on hover."""
    shown = f"{timezone.localtime(at):%H:%M:%S}"
    html = '<time datetime="{}" title="{}">{}</time>'
    return format_html(html, _iso(at), in_full(at), shown)


def _iso(at: datetime) -> str:
    return timezone.localtime(at).isoformat()


@register.filter
def linked(device) -> SafeString:
    """The AOR of a device, leading to its page."""
    html = (
        '<a class="aor" href="{}"><span class="sch">sip:</span>{}'
        '<span class="sch">{}</span></a>'
    )
    user, host = user_part(device.aor), host_part(device.aor)
    address = reverse("notifications:device", args=[device.pk])
    return format_html(html, address, visible(user), visible(host))


@register.filter
def token_state(token) -> SafeString:
    """A token, masked, with what APNs says of it; None: there is none."""
    html = '<span class="row-x gap1 nowrap">{}<span class="{}">{}</span></span>'
    if token is None:
        mark = dot("mute", gettext("No token"))
        return format_html(html, mark, "fnt", gettext("none"))
    health = getattr(token, "health", None)
    state = health.state if health else ""
    label = str(HEALTH_LABELS.get(state, state)) if health else gettext("Valid")
    shown = format_html(html, dot(health_tone(state), label), "pd-mono", token.masked)
    if not health or state == "valid" or not health.reason:
        return shown
    why = '{}<span class="sm d-block t-bad">{}</span>'
    return format_html(why, shown, health.reason)


@register.simple_tag
def strikes(ledger, bare: object = "") -> SafeString:
    """How near a token is to its threshold; `bare`: without the number beside it."""
    number = ledger.strikes if ledger else 0
    threshold = (ledger.threshold if ledger else 0) or PIPS
    skip = " skip" if ledger and ledger.state == "silent" else ""
    html = '<span aria-hidden="true"><b>{}</b>/{}</span>'
    return format_html(
        '<span class="pd-meter"><span class="pd-strikes{}" data-n="{}" role="img"'
        ' aria-label="{}"><i></i><i></i><i></i></span>{}</span>',
        skip,
        min(number, PIPS),
        struck(number, threshold),
        "" if bare else format_html(html, number, threshold),
    )
