"""A User-Agent header in words: which app and version, on which phone."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Linphone: `LinphoneiOS/5.2.4 (iPhone 11) LinphoneSDK/5.3.26`.
PRODUCT = re.compile(r"^(?P<name>[^/\s(]+)[/ ](?P<version>\d[\w.+-]*)")
PHONE = re.compile(r"\((?P<phone>(?:[^()]|\([^()]*\))*)\)")
#: iOS after a word of its own, not the end of an app's name.
IOS = re.compile(r"(?:^|[^a-zA-Z])(?:iOS|iPhone OS)[/ ](?P<version>\d+(?:[._]\d+)*)")
#: Linphone may print the name a person gave the phone; a model is one of these alone.
MODEL = re.compile(
    r"(?:iPhone|iPad|iPod)(?:[ ,]?(?:\d+(?:,\d+|e)?|touch|SE|X[RS]?|Pro|Max|Plus|mini|Air"
    r"|\([\w. -]*(?:generation|inch)\)))*"
)
SDK = re.compile(r"SDK/(?P<version>\d[\w.+-]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Agent:
    """What a User-Agent says; each part empty where it says nothing."""

    name: str
    version: str
    phone: str
    sdk: str
    ios: str = ""

    @property
    def short(self) -> str:
        """App and version, else what stood there."""
        return f"{self.name} {self.version}".strip()

    @property
    def model(self) -> str:
        """The phone, without what a person called it: `iPhone` of `Ann's iPhone`."""
        if MODEL.fullmatch(self.phone):
            return self.phone
        kinds = (kind for kind in ("iPhone", "iPad", "iPod") if kind in self.phone)
        return next(kinds, "")

    @property
    def build(self) -> str:
        """Version, phone and SDK."""
        phone = f" ({self.phone})" if self.phone else ""
        sdk = f", SDK {self.sdk}" if self.sdk else ""
        return f"{self.version or self.name}{phone}{sdk}"


def agent_of(user_agent: str) -> Agent:
    """The parts of a User-Agent; one of another shape is its own name."""
    product = PRODUCT.match(user_agent)
    if product is None:
        return Agent(user_agent, "", "", "")
    phone, sdk = PHONE.search(user_agent), SDK.search(user_agent)
    ios = IOS.search(user_agent)
    return Agent(
        product["name"],
        product["version"],
        phone["phone"] if phone else "",
        sdk["version"] if sdk else "",
        ios["version"].replace("_", ".") if ios else "",
    )
