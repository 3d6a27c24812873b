"""Flexisip's Redis registrar → rows: the whole of it, and each change it publishes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import redis
from django.db.models import Q

from registrations.bindings import NotABinding
from registrations.bindings.binding import BindingError, Listing
from registrations.bindings.flexisip import KEY_PREFIX, aor_of_key
from registrations.bound import Bindings, Counts
from registrations.feeds import open_stream
from registrations.gaps import EVER, note_gap
from registrations.matching import MERGED
from registrations.models import Device, Feed, Gap
from registrations.sources import redis_registrar
from registrations.sources.redis_registrar import Hash

logger = logging.getLogger(__name__)

#: A REGISTER may be read from a log before the registrar has written it, and a binding may
#: end by time while we look: this close, an absent binding is not missed.
JUST_NOW = timedelta(seconds=5)
AT_ONCE = 500


class Registrar:
    """One registrar and the feed it fills. Never writes to Redis."""

    def __init__(
        self,
        feed: Feed,
        client: redis.Redis,
        *,
        domain: str | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._feed, self._client = feed, client
        self._domain, self._clock = domain, clock
        self._file = open_stream(feed, feed.path, clock())
        self._bindings = Bindings(feed, self._file)
        self._has_warned = False
        #: What was published from then to the first PING that is answered is lost.
        self._away_since: datetime | None = feed.seen_until or EVER
        #: Keys that are read again then: what was missing there had just registered.
        self._again: dict[str, datetime] = {}
        #: Entries that are no binding: rule → how many.
        self.skipped: Counter[str] = Counter()

    def read_all(self) -> Counts:
        """Every binding there is, told but not published: no sign of life."""
        counts = Counts()
        for batch in redis_registrar.keys(self._client):
            now = self._clock()
            counts.add(self._store(self._read(batch, now), now))
            self._note_merged(batch)
        return counts

    def catch_up(self) -> Counts:
        """The same, and an end of every binding of ours that Redis does not hold."""
        counts, has_merged = Counts(), False
        for batch in redis_registrar.keys(self._client):
            now = self._clock()
            hashes = self._read(batch, now)
            counts.add(self._store(hashes, now))
            self._unbind(hashes, now)
            has_merged = self._note_merged(batch) or has_merged
        if not has_merged:
            self._forget_gone()
        return counts

    def _note_merged(self, keys: Iterable[str]) -> bool:
        """True where Flexisip has use-global-domain; without a domain it is told."""
        has_merged = any(key.endswith(MERGED) for key in keys)
        if has_merged and self._domain is None and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "keys are of no domain (use-global-domain): --domain names it",
                extra={"feed": self._feed.name},
            )
        return has_merged

    def _store(self, hashes: list[Hash], now: datetime) -> Counts:
        found = [one for hash in hashes for one in hash.bindings]
        return self._bindings.store(found, now)

    def _forget_gone(self) -> None:
        """End the bindings of phones that this feed saw and Redis holds no key of."""
        bound = self._feed.devices.filter(bound=True).order_by("pk")
        last = 0
        while devices := list(bound.filter(pk__gt=last)[:AT_ONCE]):
            last = devices[-1].pk
            now = self._clock()
            hashes = self._read(sorted({_key_of(device) for device in devices}), now)
            self._unbind([hash for hash in hashes if not hash.found], now)

    def take(self, keys: Iterable[str]) -> None:
        """These keys were published: read them again and store what changed."""
        now = self._clock()
        hashes = self._read(sorted(set(keys)), now)
        found = [one for hash in hashes for one in hash.bindings]
        self._file.position += len(hashes)
        counts = self._bindings.publish(found, now)
        self._unbind(hashes, now)
        self._file.save(update_fields=["position"])
        self._feed.register_count += counts.stored["new"] + counts.stored["changed"]
        self._feed.last_read_at = now
        self._feed.save(update_fields=["register_count", "last_read_at"])

    def due(self) -> list[str]:
        """Keys that were to be read again by now."""
        now = self._clock()
        keys = [key for key, at in self._again.items() if at <= now]
        for key in keys:
            del self._again[key]
        return keys

    def heard(self, at: datetime) -> None:
        """Everything published before `at` is stored, as far as it was heard."""
        feed = self._feed
        if self._away_since is not None:
            note_gap(feed, self._away_since, at, Gap.Why.AWAY)
            self._away_since = None
        feed.seen_until = max(feed.seen_until or at, at)
        feed.last_read_at = self._clock()
        feed.trouble, feed.trouble_since = "", None
        fields = ["seen_until", "last_read_at", "trouble", "trouble_since"]
        feed.save(update_fields=fields)

    def _read(self, keys: list[str], now: datetime) -> list[Hash]:
        hashes = redis_registrar.read(self._client, keys, now, self._domain)
        for hash in hashes:
            for one in hash.found:
                if isinstance(one, NotABinding):
                    self.skipped[one.rule] += 1
                    facts = {"feed": self._feed.name, "rule": one.rule}
                    logger.warning("binding not read", extra=facts)
        return hashes

    def _unbind(self, hashes: list[Hash], now: datetime) -> None:
        """End what is bound in our rows and absent from a key that could be read."""
        held: dict[str, set[str]] = {}
        keys: dict[str, str] = {}
        for hash in hashes:
            aor = self._aor_of(hash)
            if aor is not None:
                held[aor] = {one.instance or one.contact for one in hash.bindings}
                keys[aor] = hash.key
        alive = Q(expires_at__isnull=True) | Q(expires_at__gt=now + JUST_NOW)
        bound = Device.objects.filter(alive, bound=True, aor__in=list(held))
        gone = [device for device in bound if not _is_held(device, held[device.aor])]
        for device in gone:
            if not _is_old(device, now):
                self._again[keys[device.aor]] = now + JUST_NOW
        self._bindings.unbind([device for device in gone if _is_old(device, now)], now)

    def _aor_of(self, hash: Hash) -> str | None:
        """The AOR whose bindings the key holds, all of them readable; else None."""
        if any(isinstance(one, NotABinding) for one in hash.found):
            return None
        try:
            listing = Listing(taken_at=self._clock(), domain=self._domain)
            aor = aor_of_key(hash.key, listing)
        except BindingError:
            return None
        return None if aor.endswith(MERGED) else aor


def _is_held(device: Device, held: set[str]) -> bool:
    if device.instance_id:
        return device.instance_id in held
    return any(device.contact in contact for contact in held)


def _is_old(device: Device, now: datetime) -> bool:
    last = device.last_registered_at
    return last is None or last < now - JUST_NOW


def _key_of(device: Device) -> str:
    return f"{KEY_PREFIX}{device.aor.partition(':')[2]}"
