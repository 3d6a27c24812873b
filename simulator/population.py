"""Who is in the fleet: names, tokens, app versions, temperaments; and phones for tests."""

from __future__ import annotations

from random import Random
from uuid import UUID

from simulator.fleet import new_token
from simulator.flexisip_log import DOMAIN
from simulator.phone import FOREVER, Phone

LINPHONE, ACME = "org.linphone.phone", "com.acme.talk"
AGENTS = {
    LINPHONE: [
        "LinphoneiOS/5.2.4 ({model}) LinphoneSDK/5.3.26",
        "LinphoneiOS/5.2.3 ({model}) LinphoneSDK/5.3.15",
        "LinphoneiOS/5.1.2 ({model}) LinphoneSDK/5.2.110",
    ],
    ACME: [
        "AcmeTalkiOS/2.8.1 ({model}) LinphoneSDK/5.3.26",
        "AcmeTalkiOS/2.7.0 ({model}) LinphoneSDK/5.2.110",
    ],
}
MODELS = [
    "iPhone 11",
    "iPhone 12",
    "iPhone 13",
    "iPhone 13 mini",
    "iPhone 14 Pro",
    "iPhone 15",
    "iPhone SE (3rd generation)",
]
# fmt: off
NAMES = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace",
    "heidi", "ivan", "judy", "karl", "laura", "mallory", "nina",
    "olga", "peggy", "quentin", "rupert", "sybil", "trent", "ursula",
    "victor", "wendy", "xavier", "yvonne", "zoe",
]
# fmt: on
DAY = 86_400
HOUR_MS = 3_600_000
#: At least so many phones: the roles of `simulator.script` need somebody to play them.
FEWEST = 40


def people(seed: int, count: int) -> list[Phone]:
    """A seeded fleet: the same seed gives the same phones."""
    chance = Random(f"{seed}/people")
    count = max(count, FEWEST)
    phones = [_one(index, chance) for index in range(count)]
    _mark_special(phones, chance)
    return phones


def _one(index: int, chance: Random) -> Phone:
    name = NAMES[index % len(NAMES)] + (str(index // len(NAMES) + 1) * (index >= 26))
    bundle_id = LINPHONE if chance.random() < 0.7 else ACME
    agent = chance.choices(AGENTS[bundle_id], [6, 3, 1][: len(AGENTS[bundle_id])])[0]
    phone = make(
        f"sip:{name}@{DOMAIN}",
        chance,
        bundle_id=bundle_id,
        user_agent=agent.format(model=chance.choice(MODELS)),
    )
    phone.has_beacons = bundle_id == ACME
    phone.weight = round(chance.uniform(0.7, 1.4), 2)
    phone.opens_every_ms = int(chance.uniform(1.5, 5) * HOUR_MS)
    return phone


def _mark_special(phones: list[Phone], chance: Random) -> None:
    """The last phones of the fleet are odd in one way each."""
    for phone in phones[-4:-1]:
        phone.environment, phone.provider = "sandbox", "apns.dev"
    android, unlabelled, also = phones[-1], phones[-5], phones[-6]
    android.provider, android.weight = "fcm", 0.0
    android.user_agent = "LinphoneAndroid/5.2.5 (Pixel 7) LinphoneSDK/5.3.26"
    android.voip_token = ""
    android.remote_token = f"{new_token(chance)[:22]}:APA91b{new_token(chance)}"
    for phone in (unlabelled, also):
        phone.is_labelled, phone.weight = False, 0.0
    two = phones[-7]
    two.accounts.append(two.accounts[0].replace("sip:", "sip:sales."))
    for phone in phones[-10:-7]:
        phone.is_kiosk, phone.opens_every_ms = True, 0


def make(
    aor: str,
    chance: Random | None = None,
    *,
    bundle_id: str = LINPHONE,
    user_agent: str = AGENTS[LINPHONE][0].format(model="iPhone 13"),
) -> Phone:
    """A sound phone for one AOR; without `chance` its tokens follow from the AOR."""
    chance = chance or Random(aor)
    return Phone(
        name=aor.removeprefix("sip:").partition("@")[0],
        accounts=[aor],
        bundle_id=bundle_id,
        provider="apns",
        user_agent=user_agent,
        host=f"203.0.113.{chance.randint(2, 250)}",
        port=chance.randint(49_152, 65_000),
        instance_id=f"urn:uuid:{UUID(int=chance.getrandbits(128), version=4)}",
        voip_token=new_token(chance),
        remote_token=new_token(chance),
    )


def obedient(aor: str) -> Phone:
    """Wakes at every push, within 0.8 to 4 seconds."""
    return make(aor)


def ignoring(aor: str, pushes: int = FOREVER) -> Phone:
    """Leaves VoIP pushes unhandled but answers remote ones."""
    phone = make(aor)
    phone.ignores = pushes
    return phone


def offline(aor: str) -> Phone:
    """Registered once, then out of reach."""
    phone = make(aor)
    phone.is_online = False
    return phone


def late(aor: str, seconds: float) -> Phone:
    """The network brings every push so many seconds late; the app itself is quick."""
    phone = make(aor)
    phone.network_ms = int(seconds * 1000)
    return phone
