"""Is it safe to resend? A pure answer with reasons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, ngettext

from notifications.models import Credential, Push, TokenHealth
from notifications.wording import next_strike, number, struck

#: Tones that make an answer red.
RED = frozenset({"hot", "bad"})
#: Apple's, of which each takes the tokens of one environment.
SERVERS = frozenset({Credential.Server.PRODUCTION, Credential.Server.SANDBOX})
#: What hinders a credential.
MISSING, PAUSED, EXPIRED = "missing", "paused", "expired"
#: What a person ordered waits so long for an undo; its life begins then.
UNDO = timedelta(seconds=5)
#: Of a VoIP push whose app nobody has set up.
USUAL_LIFE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """What hinders a credential, empty where nothing does; until or since when, and why.
    `left`: how long a pause still lasts.
    """

    state: str = ""
    moment: datetime | None = None
    reason: str = ""
    left: timedelta = timedelta()


def standing_of(known: dict | None, now: datetime) -> Standing:
    """That of a credential's `expires_at`, `paused_until` and `pause_reason`; None: there
    is no credential. A pause that is over hinders nobody: one push finds out.
    """
    if known is None:
        return Standing(MISSING)
    ends, paused = known["expires_at"], known["paused_until"]
    if ends is not None and ends <= now:
        return Standing(EXPIRED, ends)
    if paused is not None and paused > now:
        return Standing(PAUSED, paused, known["pause_reason"], paused - now)
    return Standing()


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: its tone, what was found, what that means."""

    tone: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Safety:
    """`level` is green, amber or red; red needs a typed reason. Where it is not possible
    none helps.
    """

    level: str
    checks: tuple[Check, ...]
    is_possible: bool = True

    @property
    def against(self) -> Check | None:
        """The first thing that speaks against it, where the level is red."""
        return next((check for check in self.checks if check.tone in RED), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the answer rests on."""

    push_type: str
    strikes: int = 0
    threshold: int = 3
    is_bound: bool = False
    #: The device holds a token for it; and another than the old push went to.
    is_current: bool = False
    is_another: bool = False
    health: str = ""
    health_reason: str = ""
    resent_just_now: bool = False
    #: Where the token is good, where the old push went, whose server the credential names.
    environment: str = ""
    sent_in: str = ""
    server: str = ""
    #: How long the call of the push to resend may ring on; None: it is over.
    life_left: timedelta | None = None
    #: How long a VoIP push of its app lives.
    voip_life: timedelta = USUAL_LIFE
    credential: Standing = Standing()

    @property
    def life_after_pause(self) -> timedelta:
        """What a VoIP push has left of its life when the pause ends."""
        life = UNDO + self.voip_life
        if self.life_left is not None:
            life = min(life, self.life_left)
        return life - self.credential.left


def is_safe(facts: Facts) -> Safety:
    """Green, amber or red, with every reason."""
    checks = [
        _strikes(facts),
        _rings(facts),
        _token(facts),
        _place(facts),
        _bound(facts),
        _credential(facts),
        _again(facts),
    ]
    found = tuple(check for check in checks if check is not None)
    tones = {check.tone for check in found}
    level = "red" if tones & RED else "amber" if "warn" in tones else "green"
    return Safety(level, found, _is_possible(facts))


def _is_possible(facts: Facts) -> bool:
    has_token = facts.is_current and facts.health != TokenHealth.State.RETIRED
    return has_token and facts.credential.state not in {MISSING, EXPIRED}


def _strikes(facts: Facts) -> Check:
    if facts.push_type != Push.Type.VOIP:
        title = gettext("Cannot add a strike")
        return Check("ok", title, gettext("Only VoIP pushes count."))
    words = ngettext(
        "%(strikes)s VoIP push went unhandled.",
        "%(strikes)s VoIP pushes went unhandled in a row.",
        facts.strikes,
    ) % {"strikes": facts.strikes}
    if facts.strikes + 1 >= facts.threshold:
        title = next_strike(facts.strikes + 1, facts.threshold)
        warning = gettext("iOS will probably stop waking the app.")
        return Check("hot", title, f"{words} {warning}")
    if facts.strikes:
        return Check("warn", struck(facts.strikes, facts.threshold), words)
    return Check("ok", gettext("No strikes"), gettext("The newest calls woke the app."))


def _rings(facts: Facts) -> Check | None:
    if facts.push_type != Push.Type.VOIP:
        return None
    if facts.life_left is not None:
        detail = gettext(
            "%(seconds)s s of its life are left. The resend keeps its Call-ID: it is the "
            "same call, with one verdict."
        ) % {"seconds": number(facts.life_left.total_seconds())}
        return Check("ok", gettext("The call still rings"), detail)
    detail = gettext(
        "It is a test call with a Call-ID of its own: nobody is there when it is taken."
    )
    return Check("warn", gettext("The phone will ring"), detail)


def _token(facts: Facts) -> Check:
    if not facts.is_current:
        return Check(
            "bad",
            gettext("The device holds no token for it"),
            gettext("Its newest REGISTER carries none: nothing can be sent."),
        )
    if facts.health == TokenHealth.State.RETIRED:
        said = gettext("APNs said %(reason)s.") % {"reason": facts.health_reason}
        return Check("bad", gettext("The token is gone"), said)
    if facts.health in {TokenHealth.State.QUARANTINED, TokenHealth.State.WRONG_TOPIC}:
        said = gettext("It said %(reason)s.") % {"reason": facts.health_reason}
        return Check("warn", gettext("APNs refused the token"), said)
    if facts.is_another:
        return Check(
            "ok",
            gettext("The token was replaced since"),
            gettext("A resend goes to the one in the newest REGISTER, judged here."),
        )
    return Check(
        "ok",
        gettext("The token is current"),
        gettext("It stands in the newest REGISTER."),
    )


def _place(facts: Facts) -> Check | None:
    names = {"there": facts.environment, "server": facts.server, "sent": facts.sent_in}
    if facts.server in SERVERS and facts.server != facts.environment:
        told = gettext(
            "The token is good in %(there)s, the credential speaks to %(server)s: APNs will "
            "refuse it."
        )
        return Check("bad", gettext("The credential speaks elsewhere"), told % names)
    if facts.is_current and facts.sent_in not in {"", facts.environment}:
        told = gettext("The push went to %(sent)s, a resend goes to %(there)s.")
        title = gettext("The token is good in the other environment")
        return Check("warn", title, told % names)
    return None


def _bound(facts: Facts) -> Check:
    if facts.is_bound:
        return Check(
            "ok",
            gettext("The device is registered"),
            gettext("Its binding has not expired."),
        )
    return Check(
        "warn",
        gettext("The device is not registered"),
        gettext("De-registered or expired."),
    )


def _credential(facts: Facts) -> Check | None:
    if not facts.is_current:
        return None
    if facts.credential.state == MISSING:
        title = gettext("No credential for its app and environment")
        return Check("bad", title, gettext("Nothing is sent: store one on Settings."))
    if facts.credential.state == EXPIRED:
        day = date_format(facts.credential.moment, "d F Y")
        told = gettext(
            "It ended on %(day)s. Nothing is sent: store a new one on Settings."
        )
        return Check("bad", gettext("The certificate has expired"), told % {"day": day})
    if facts.credential.state == PAUSED and facts.credential.left > UNDO:
        return _pause(facts)
    return Check(
        "ok",
        gettext("The credential is in order"),
        gettext("It is stored, has not expired and does not pause."),
    )


def _pause(facts: Facts) -> Check:
    """A pause that ends before the undo window does is none. Of a call it counts what is
    left of its life then: a call does not wait.
    """
    told = gettext("Nothing is sent until %(until)s: APNs said %(reason)s.") % {
        "until": f"{localtime(facts.credential.moment):%H:%M:%S}",
        "reason": facts.credential.reason,
    }
    title = gettext("The credential pauses")
    if facts.push_type != Push.Type.VOIP:
        return Check("warn", title, told)
    left = facts.life_after_pause
    if left <= timedelta():
        over = gettext("The push is over by then.")
        return Check("hot", title, f"{told} {over}")
    late = gettext("Then %(seconds)s s of its life are left: the phone rings late.")
    seconds = number(left.total_seconds())
    return Check("warn", title, f"{told} {late % {'seconds': seconds}}")


def _again(facts: Facts) -> Check | None:
    if not facts.resent_just_now:
        return None
    return Check(
        "hot",
        gettext("Sent less than a minute ago"),
        gettext("Wait for what becomes of it."),
    )
