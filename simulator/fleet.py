"""Many phones on one clock: registers, sleeps, is pushed, wakes, and the log of it.

The clock is whatever `advance(to)` is given: the same code runs six hours in a second and the
demo at wall-clock speed. The same seed and the same pushes give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime
from random import Random
from uuid import UUID

from simulator import flexisip_log, phone
from simulator.agenda import Agenda, Event
from simulator.beacons import Spoken
from simulator.changes import CHANGES
from simulator.clock import ms
from simulator.forking import Forks
from simulator.installs import Installs, Known
from simulator.phone import IosRule, Phone, Reaction
from simulator.registrar import Registrar

#: From APNs's 200 to the phone.
CARRIAGE_MS = (100, 400)
#: A first REGISTER that is lost is sent again after so long (RFC 3261 §17.1.2.2, timer E).
AGAIN_MS = (500, 1_500, 3_500)
REFRESH_SHARE = 0.9
#: A phone that was woken has registered by then.
REGISTERED_MS = 1_000


class Fleet:
    """`write` takes the log's bytes in order; `seed` decides all chance. `loss`: the share of
    first REGISTERs that are lost on their way. `tell` is told the truth that no log shows:
    milliseconds, phone, what happened.
    """

    def __init__(
        self,
        phones: Iterable[Phone],
        write: Callable[[bytes], object],
        *,
        seed: int = 1,
        rule: IosRule | None = None,
        loss: float = 0.0,
        tell: Callable[[int, Phone, str], object] | None = None,
        stored: dict | None = None,
    ) -> None:
        stored = stored or {}
        self.seed = seed
        self.rule = rule or IosRule()
        self.phones = {item.name: item for item in phones}
        self._write, self._loss = write, loss
        self._tell = tell or (lambda at_ms, item, what: None)
        self._agenda = Agenda(**stored.get("agenda", {}))
        self.registrar = Registrar(self._agenda, write)
        self.registrar.pointers = stored.get("pointers", 0)
        #: What apps that post beacons want to say.
        self.spoken: list[Spoken] = []
        #: Where the log shows calls too.
        self.forks: Forks | None = None
        self._pulses = stored.get("pulses", 0)
        self.now_ms = stored.get("now_ms", 0)
        self._installs = Installs(self.phones, stored.get("retired", {}))

    def show_calls(self) -> None:
        """From now on the log shows the INVITEs to phones, and what they answer."""
        self.forks = Forks(self._agenda, self._write)

    def begin(self, now: datetime) -> None:
        """The server starts its log: one line a second from here on."""
        self.now_ms = ms(now)
        self._agenda.add(-(-self.now_ms // 1000) * 1000, "pulse")

    def plan(self, at: datetime, action: str, name: str, **facts: object) -> None:
        """Let something happen to a phone: one of the `_on_…` below."""
        self._agenda.add(ms(at), action, name, **facts)

    def advance(self, to: datetime) -> None:
        """Let everything up to `to` happen."""
        to_ms = ms(to)
        while (event := self._agenda.due(to_ms)) is not None:
            self.now_ms = max(self.now_ms, event.at_ms)
            self._happen(event, self.phones.get(event.phone))
        self.now_ms = max(self.now_ms, to_ms)

    def _happen(self, event: Event, item: Phone | None) -> None:
        change = CHANGES.get(event.action)
        if change is not None:
            change(item, event.facts)
        else:
            getattr(self, f"_on_{event.action}")(event, item)

    def lookup(self, token: str) -> Known | None:
        """What Apple's side knows of a token, in any case of letters."""
        return self._installs.find(token)

    def push(
        self,
        token: str,
        push_type: str,
        at: datetime,
        expires_at: datetime | None,
        call_id: str = "",
    ) -> None:
        """APNs has answered 200 at `at`: carry the push to its phone."""
        name = self._installs.owner(token)
        item = self.phones[name]
        carriage_ms = self._chance(item).randint(*CARRIAGE_MS) + item.network_ms
        until_ms = ms(expires_at) if expires_at else 0
        at_ms = max(ms(at), self.now_ms) + carriage_ms
        facts = {"push_type": push_type, "until_ms": until_ms, "call_id": call_id}
        self._agenda.add(at_ms, "push", name, **facts)

    def stored(self) -> dict:
        """As JSON, to go on after a restart."""
        return {
            "seed": self.seed,
            "rule": asdict(self.rule),
            "phones": [asdict(item) for item in self.phones.values()],
            "agenda": self._agenda.stored(),
            "pointers": self.registrar.pointers,
            "pulses": self._pulses,
            "now_ms": self.now_ms,
            "retired": self._installs.retired,
        }

    def _chance(self, item: Phone) -> Random:
        item.draws += 1
        return Random(f"{self.seed}/{item.name}/{item.draws}")

    def _register(self, item: Phone, at_ms: int, chance: Random) -> None:
        """The app starts anew and registers."""
        item.dialogs.clear()
        if self._loss and chance.random() < self._loss:
            at_ms += chance.choice(AGAIN_MS)
        self.registrar.start(item, at_ms, chance)

    def _on_pulse(self, event: Event, _: None) -> None:
        self._pulses += 1
        self._write(flexisip_log.pulse(event.at_ms, self._pulses))
        self._agenda.add(event.at_ms + 1000, "pulse")

    def _on_ask(self, event: Event, item: Phone) -> None:
        self.registrar.ask(item, event)

    def _on_answer(self, event: Event, item: Phone) -> None:
        is_made = self.registrar.answer(item, event)
        if is_made and item.is_kiosk:
            later_ms = int(event.facts["expires"] * 1000 * REFRESH_SHARE)
            self._agenda.add(event.at_ms + later_ms, "refresh", item.name)

    def _on_refresh(self, event: Event, item: Phone) -> None:
        if item.is_online and item.is_installed:
            self.registrar.start(item, event.at_ms, self._chance(item))

    def _on_push(self, event: Event, item: Phone) -> None:
        push_type, until_ms = event.facts["push_type"], event.facts["until_ms"]
        chance = self._chance(item)
        delay_ms = chance.randint(*item.wake_ms)
        if phone.release(item, event.at_ms, self.rule):
            self._tell(event.at_ms, item, "released")
        luck = chance.random() if item.fail_share else 1.0
        at_ms, rule = event.at_ms, self.rule
        # iOS's rule does not look at an app that is open.
        counts = push_type == phone.VOIP and not item.is_open(at_ms)
        reaction = phone.meet(item, push_type, at_ms, delay_ms, rule, luck)
        if reaction is Reaction.STORED and until_ms:
            item.stored[push_type] = [push_type, until_ms]
        if push_type == phone.VOIP:
            item.pushed_at_ms = event.at_ms
            self._tell(event.at_ms, item, reaction.value)
            if reaction is Reaction.UNSEEN and counts:
                phone.handle(item)
            if reaction is Reaction.UNSEEN and item.is_open(at_ms):
                self._fork(item, at_ms, event.facts.get("call_id"))
        if reaction is Reaction.WAKES:
            at_ms = event.at_ms + delay_ms
            facts = {"counts": counts, "call_id": event.facts.get("call_id")}
            facts["is_voip"] = push_type == phone.VOIP
            self._agenda.add(at_ms, "wake", item.name, **facts)
        elif reaction is Reaction.FAILS:
            self._agenda.add(event.at_ms + self.rule.limit_ms, "fail", item.name)
        if reaction in (Reaction.FAILS, Reaction.WITHHELD) and item.is_restless:
            look_ms = event.at_ms + chance.randint(*item.look_ms)
            self._agenda.add(look_ms, "look", item.name)

    def _on_wake(self, event: Event, item: Phone) -> None:
        if not item.is_online or not item.is_installed:
            return
        if event.facts.get("counts"):
            phone.handle(item)
        if event.facts.get("is_voip") and event.facts["call_id"]:
            self._say(item, event.at_ms, event.facts["call_id"])
        self._register(item, event.at_ms, self._chance(item))
        self._fork(item, event.at_ms + REGISTERED_MS, event.facts.get("call_id"))

    def _say(self, item: Phone, at_ms: int, call_id: str) -> None:
        if item.has_beacons:
            token = item.voip_token
            facts = {"token": token, "call_id": call_id, "at_ms": at_ms}
            self.spoken.append(Spoken(bundle_id=item.bundle_id, **facts))

    def _fork(self, item: Phone, at_ms: int, call_id: str | None) -> None:
        """The call that the push announced goes to the phone."""
        if self.forks is not None and call_id:
            self._agenda.add(at_ms, "invite", item.name, call_id=call_id)

    def _on_invite(self, event: Event, item: Phone) -> None:
        self.forks.invite(item, event, self._chance(item))

    def _on_ringing(self, event: Event, item: Phone) -> None:
        self.forks.ring(item, event)

    def _on_fail(self, event: Event, item: Phone) -> None:
        if not item.is_installed or item.is_blocked:
            return
        phone.fail(item, self.rule)
        if item.is_blocked:
            item.blocked_at_ms = event.at_ms
            self._tell(event.at_ms, item, "blocked")

    def _on_look(self, event: Event, item: Phone) -> None:
        """The user opens the app, but not sooner after a push than `look_ms` allows."""
        if not item.is_online or not item.is_installed or item.is_locked:
            return
        chance = self._chance(item)
        if 0 < event.at_ms - item.pushed_at_ms < item.look_ms[0]:
            later_ms = item.pushed_at_ms + chance.randint(*item.look_ms)
            self._agenda.add(later_ms, "look", item.name)
            return
        item.is_quit = False
        item.foreground_until_ms = event.at_ms + chance.randint(*item.open_ms)
        self._tell(event.at_ms, item, "seen")
        self._say(item, event.at_ms, "")
        self._register(item, event.at_ms, chance)

    def _on_unlock(self, event: Event, item: Phone) -> None:
        """The first unlock after a start; people look at what they missed."""
        item.is_locked = False
        self._on_look(event, item)

    def _on_open(self, event: Event, item: Phone) -> None:
        """One of the user's regular looks; the next is planned at once."""
        self._on_look(event, item)
        if item.opens_every_ms and item.is_installed:
            wait_ms = item.opens_every_ms * self._chance(item).uniform(0.6, 1.4)
            self._agenda.add(event.at_ms + int(wait_ms), "open", item.name)

    def _on_return(self, event: Event, item: Phone) -> None:
        """Back online: APNs hands over the newest push of each type that is still alive."""
        item.is_online = True
        waiting = list(item.stored.values())
        item.stored.clear()
        for push_type, until_ms in waiting:
            if until_ms > event.at_ms:
                facts = {"push_type": push_type, "until_ms": until_ms}
                at_ms = event.at_ms + CARRIAGE_MS[0]
                self._agenda.add(at_ms, "push", item.name, **facts)

    def _on_delete(self, event: Event, item: Phone) -> None:
        """The user deletes the app: it unregisters nothing, its tokens die."""
        self._installs.retire(item, event.at_ms)
        item.is_installed = False

    def _on_reinstall(self, event: Event, item: Phone) -> None:
        """Deleted and installed again: everything is new but the accounts."""
        self._installs.retire(item, event.at_ms)
        self._tell(event.at_ms, item, "reinstalled")
        chance = self._chance(item)
        instance = f"urn:uuid:{UUID(int=chance.getrandbits(128), version=4)}"
        phone.reinstall(item, instance, new_token(chance), new_token(chance))
        self._installs.learn(item)
        self._register(item, event.at_ms + 20_000, chance)

    def _on_restore(self, event: Event, item: Phone) -> None:
        """Restored from a backup: new tokens on the same instance."""
        self._installs.retire(item, event.at_ms)
        self._tell(event.at_ms, item, "reinstalled")
        chance = self._chance(item)
        phone.restore(item, new_token(chance), new_token(chance))
        self._installs.learn(item)
        self._register(item, event.at_ms, chance)

    def _on_logout(self, event: Event, item: Phone) -> None:
        """The user logs out: `Expires: 0` with the same Contact."""
        item.dialogs.clear()
        self.registrar.start(item, event.at_ms, self._chance(item), expires=0)


def new_token(chance: Random) -> str:
    """64 hex digits, in upper case as liblinphone writes them."""
    return f"{chance.getrandbits(256):064X}"
