"""Many phones on one clock: registers, sleeps, is pushed, wakes, and the log of it.

The clock is whatever `advance(to)` is given: the same code runs six hours in a second and the
demo at wall-clock speed. The same seed and the same pushes give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

from simulator import flexisip_log, phone
from simulator.agenda import Agenda, Event
from simulator.phone import IosRule, Phone, Reaction
from simulator.registrar import Registrar

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: From APNs's 200 to the phone.
CARRIAGE_MS = (100, 400)
#: A user looks into the app so long after a call that did not ring. Late enough to be no
#: answer to it, early enough not to have the app open at the next one.
LOOK_MS = (96_000, 103_000)
FOREGROUND_MS = (8_000, 18_000)
REFRESH_SHARE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What Apple's side knows of a token. `retired_at`: no longer installed since then."""

    phone: str
    kind: str
    bundle_id: str
    environment: str
    retired_at: datetime | None


def ms(moment: datetime) -> int:
    """Milliseconds since the epoch."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_of(at_ms: int) -> datetime:
    """The aware UTC moment of such a number."""
    return EPOCH + timedelta(milliseconds=at_ms)


class Fleet:
    """`write` takes the log's bytes in order; `seed` decides all chance."""

    def __init__(
        self,
        phones: Iterable[Phone],
        write: Callable[[bytes], object],
        *,
        seed: int = 1,
        rule: IosRule | None = None,
        stored: dict | None = None,
    ) -> None:
        stored = stored or {}
        self.seed = seed
        self.rule = rule or IosRule()
        self.phones = {item.name: item for item in phones}
        self._write = write
        self._agenda = Agenda(**stored.get("agenda", {}))
        self.registrar = Registrar(self._agenda, write)
        self.registrar.pointers = stored.get("pointers", 0)
        self._pulses = stored.get("pulses", 0)
        self.now_ms = stored.get("now_ms", 0)
        #: Tokens of installs that are gone: token → [phone, kind, bundle, environment, ms].
        self._retired: dict[str, list] = stored.get("retired", {})
        self._tokens: dict[str, tuple[str, str]] = {}
        for item in self.phones.values():
            self._learn(item)

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
            getattr(self, f"_on_{event.action}")(event, self.phones.get(event.phone))
        self.now_ms = max(self.now_ms, to_ms)

    def lookup(self, token: str) -> Known | None:
        """What is known of a token, in any case of letters."""
        key = token.lower()
        if key in self._retired:
            name, kind, bundle_id, environment, at_ms = self._retired[key]
            gone = moment_of(at_ms)
        elif key in self._tokens:
            name, kind = self._tokens[key]
            bundle_id = self.phones[name].bundle_id
            environment, gone = self.phones[name].environment, None
        else:
            return None
        return Known(
            phone=name,
            kind=kind,
            bundle_id=bundle_id,
            environment=environment,
            retired_at=gone,
        )

    def push(
        self, token: str, push_type: str, at: datetime, expires_at: datetime | None
    ) -> None:
        """APNs has answered 200 at `at`: carry the push to its phone."""
        name, _ = self._tokens[token.lower()]
        item = self.phones[name]
        carriage_ms = self._chance(item).randint(*CARRIAGE_MS) + item.network_ms
        until_ms = ms(expires_at) if expires_at else 0
        at_ms = max(ms(at), self.now_ms) + carriage_ms
        self._agenda.add(at_ms, "push", name, push_type=push_type, until_ms=until_ms)

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
            "retired": self._retired,
        }

    def _chance(self, item: Phone) -> Random:
        item.draws += 1
        return Random(f"{self.seed}/{item.name}/{item.draws}")

    def _learn(self, item: Phone) -> None:
        if item.is_installed:
            self._tokens[item.voip_token.lower()] = item.name, "voip"
            self._tokens[item.remote_token.lower()] = item.name, "remote"

    def _retire(self, item: Phone, at_ms: int) -> None:
        for token in (item.voip_token, item.remote_token):
            known = self._tokens.get(token.lower())
            if known is not None:
                row = [*known, item.bundle_id, item.environment, at_ms]
                self._retired[token.lower()] = row

    def _register(self, item: Phone, at_ms: int, chance: Random) -> None:
        """The app starts anew and registers."""
        item.dialogs.clear()
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
        reaction = phone.react(item, push_type, event.at_ms, delay_ms, self.rule)
        if reaction is Reaction.STORED and until_ms:
            item.stored[push_type] = [push_type, until_ms]
        if push_type == phone.VOIP:
            item.pushed_at_ms = event.at_ms
        if reaction is Reaction.WAKES:
            at_ms = event.at_ms + delay_ms
            self._agenda.add(at_ms, "wake", item.name, push_type=push_type)
        elif reaction is Reaction.FAILS:
            self._agenda.add(event.at_ms + self.rule.limit_ms, "fail", item.name)
        if reaction in (Reaction.FAILS, Reaction.WITHHELD) and item.is_restless:
            look_ms = event.at_ms + chance.randint(*LOOK_MS)
            self._agenda.add(look_ms, "look", item.name)

    def _on_wake(self, event: Event, item: Phone) -> None:
        if not item.is_online or not item.is_installed:
            return
        if event.facts["push_type"] == phone.VOIP:
            phone.handle(item)
        self._register(item, event.at_ms, self._chance(item))

    def _on_fail(self, _: Event, item: Phone) -> None:
        if item.is_installed:
            phone.fail(item, self.rule)

    def _on_look(self, event: Event, item: Phone) -> None:
        """The user opens the app, but not within the minutes after a push (see LOOK_MS)."""
        if not item.is_online or not item.is_installed:
            return
        chance = self._chance(item)
        if 0 < event.at_ms - item.pushed_at_ms < LOOK_MS[0]:
            later_ms = item.pushed_at_ms + chance.randint(*LOOK_MS)
            self._agenda.add(later_ms, "look", item.name)
            return
        item.foreground_until_ms = event.at_ms + chance.randint(*FOREGROUND_MS)
        self._register(item, event.at_ms, chance)

    def _on_open(self, event: Event, item: Phone) -> None:
        """One of the user's regular looks; the next is planned at once."""
        self._on_look(event, item)
        if item.opens_every_ms and item.is_installed:
            wait_ms = item.opens_every_ms * self._chance(item).uniform(0.6, 1.4)
            self._agenda.add(event.at_ms + int(wait_ms), "open", item.name)

    def _on_break(self, event: Event, item: Phone) -> None:
        """From now on the app leaves this many VoIP pushes unhandled."""
        item.ignores = event.facts["pushes"]

    def _on_mend(self, _: Event, item: Phone) -> None:
        item.ignores = 0

    def _on_slow(self, event: Event, item: Phone) -> None:
        item.network_ms = event.facts["by_ms"]

    def _on_vanish(self, _: Event, item: Phone) -> None:
        """Off, or out of every network."""
        item.is_online = False

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
        self._retire(item, event.at_ms)
        item.is_installed = False

    def _on_reinstall(self, event: Event, item: Phone) -> None:
        """Deleted and installed again: everything is new but the accounts."""
        self._retire(item, event.at_ms)
        chance = self._chance(item)
        instance = f"urn:uuid:{UUID(int=chance.getrandbits(128), version=4)}"
        phone.reinstall(item, instance, new_token(chance), new_token(chance))
        self._learn(item)
        self._register(item, event.at_ms + 20_000, chance)

    def _on_restore(self, event: Event, item: Phone) -> None:
        """Restored from a backup: new tokens on the same instance."""
        self._retire(item, event.at_ms)
        chance = self._chance(item)
        item.voip_token, item.remote_token = new_token(chance), new_token(chance)
        self._learn(item)
        self._register(item, event.at_ms, chance)

    def _on_logout(self, event: Event, item: Phone) -> None:
        """The user logs out: `Expires: 0` with the same Contact."""
        item.dialogs.clear()
        self.registrar.start(item, event.at_ms, self._chance(item), expires=0)


def new_token(chance: Random) -> str:
    """64 hex digits, in upper case as liblinphone writes them."""
    return f"{chance.getrandbits(256):064X}"
