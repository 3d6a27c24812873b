"""Push parameters of a Contact URI: RFC 8599 with Linphone's two tokens, and the legacy form.

Read leniently, judged by Flexisip's grammar (SIP.md §1): every broken rule is named with the
text Flexisip would log, and what is readable is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote

from .push_values import LEGACY, LONGEST_VALUE, NAMES, Problem, values_of

#: pn-provider → APNs environment (case-sensitive, as Flexisip compares).
ENVIRONMENTS = {"apns": "production", "apns.dev": "sandbox"}
OTHER_PROVIDERS = frozenset({"fcm", "wp", "wp10"})
SERVICES = frozenset({"voip", "remote"})
#: What Flexisip takes behind the last dot of pn-param, `&voip&` and `voipremote` too.
SERVICE_LIST = re.compile(r"(?:voip|remote|&)+")
TOKEN_LENGTH = 64
#: Parameters that say nothing of push by themselves, and none whose name is escaped, whose
#: value is too long or no number of seconds.
TEXT = r"[!-:<->A-~]*"
VALUE = rf"[!-:<->A-~]{{0,{LONGEST_VALUE}}}"
SECONDS = r"pn-timeout=(?![0-9]{0,9}(?:;|\Z))"
OTHERS = rf"(?:;(?!pn-p|app-id|pn-t(?:ype|ok)|{SECONDS})[a-z-]+={VALUE}(?![^;]))*"
PROVIDER = r"(?:;pn-provider=(apns(?:\.dev)?))?"
#: A URI with both tokens as Linphone writes it, pn-provider before them, and what stands
#: behind them: pn-provider from SDK 5 on.
USUAL = re.compile(
    rf"sips?:{TEXT}@{TEXT}{OTHERS}{PROVIDER}{OTHERS}"
    r";pn-prid=(([0-9A-Za-z]{64}):voip&([0-9A-Za-z]{64}):remote)"
)
BEHIND = re.compile(
    rf"{OTHERS}{PROVIDER}{OTHERS};pn-param=([!-$&-:<->A-~]{{1,{LONGEST_VALUE}}}){OTHERS}"
)


@dataclass(slots=True)
class PushParams:
    """What one Contact says about push. `pn_*` as received; tokens unescaped, case kept."""

    pn_provider: str | None = None
    pn_param: str | None = None
    pn_prid: str | None = None
    team_id: str | None = None
    bundle_id: str | None = None
    environment: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def fault(self, rule: str, detail: str) -> None:
        self.problems.append(Problem(rule, detail))


def read_push_params(uri: str) -> PushParams:
    """Read what the parameters of a Contact's URI say of push."""
    usual = USUAL.match(uri)
    return (usual and _usual(uri[usual.end() :], *usual.groups())) or _judged(uri)


def _usual(
    behind: str, first: str | None, pn_prid: str, voip: str, remote: str
) -> PushParams | None:
    """What `_judged` makes of a URI as nearly all are, a quarter of the time: new Contacts are
    much of what reading a log takes. None where there is more to judge.
    """
    said = _said_beside(first, behind)
    if said is None:
        return None
    provider, param, team_id, bundle_id, world = said
    tokens = {"voip": voip, "remote": remote}
    return PushParams(provider, param, pn_prid, team_id, bundle_id, world, tokens)


@lru_cache(512)
def _said_beside(first: str | None, behind: str) -> tuple[str, ...] | None:
    """What stands beside the tokens is the same for all phones of an app."""
    found = BEHIND.fullmatch(behind)
    second, pn_param = found.groups() if found else (None, "")
    team_id, bundle_id, services, problem = _declared(pn_param)
    provider = first or second
    if provider is None or (first and second) or problem or len(services) < 2:
        return None
    return provider, pn_param, team_id, bundle_id, ENVIRONMENTS[provider]


def _judged(uri: str) -> PushParams:
    found, problems = values_of(uri)
    push = PushParams()
    if NAMES.isdisjoint(found):
        return push
    push.problems += problems
    push.pn_provider = found.get("pn-provider")
    push.pn_param, push.pn_prid = found.get("pn-param"), found.get("pn-prid")
    if push.pn_provider is not None:
        _read_rfc_8599(push)
    elif any(name in found for name in LEGACY):
        _read_legacy(push, found)
    elif push.pn_param is not None or push.pn_prid is not None:
        push.fault("pn_provider_missing", "no push parameters found in the request uri")
    return push


def _read_rfc_8599(push: PushParams) -> None:
    provider = unquote(push.pn_provider or "")
    push.environment = ENVIRONMENTS.get(provider)
    if push.environment is not None:
        services = _read_pn_param(push)
        _read_pn_prid(push, services)
        return
    if not push.pn_param:
        push.fault("pn_param_missing", "no 'pn-param' found")
    if not push.pn_prid:
        _fault_without_pn_prid(push)
    if provider not in OTHER_PROVIDERS:
        push.fault("pn_provider_unsupported", f"provider [{provider}] not supported")


def _read_pn_param(push: PushParams) -> tuple[str, ...]:
    """Fill team and bundle id; return the services pn-param declares."""
    if not push.pn_param:
        # Flexisip does not tell an empty one from none.
        push.fault("pn_param_missing", "no 'pn-param' found")
        return ()
    push.team_id, push.bundle_id, services, problem = _declared(push.pn_param)
    if problem is not None:
        push.problems.append(problem)
    return services


@lru_cache(512)
def _declared(
    pn_param: str,
) -> tuple[str | None, str | None, tuple[str, ...], Problem | None]:
    """Team, bundle id, services and what is wrong: the same for all phones of an app."""
    team, dot, rest = unquote(pn_param).partition(".")
    if not (team and dot and rest):
        problem = Problem("pn_param_syntax", "syntax of 'pn-param' is invalid")
        return team or None, None, (), problem
    bundle, dot, last = rest.rpartition(".")
    if not (bundle and dot and SERVICE_LIST.fullmatch(last)):
        return team, rest, ("remote",), None
    services = tuple(dict.fromkeys(re.findall("voip|remote", last)))
    if services and last == "&".join(services):
        return team, bundle, services, None
    detail = f"services of 'pn-param' read '{last}'"
    return team, bundle, services, Problem("pn_param_services", detail)


def _read_pn_prid(push: PushParams, services: tuple[str, ...]) -> None:
    if not push.pn_prid:
        _fault_without_pn_prid(push)
        return
    pieces = unquote(push.pn_prid).split("&")
    counts = {len(pieces)}  # as Flexisip counts, empty ones too
    if "" in pieces:
        push.fault("pn_prid_syntax", "syntax of 'pn-prid' is invalid: a '&' too many")
        pieces = [piece for piece in pieces if piece]
    unlabelled = [piece for piece in pieces if ":" not in piece]
    if unlabelled:
        # Labelled ones first: they say what a token without a label can still be.
        pieces.sort(key=_is_unlabelled)
    for piece in pieces:
        _read_token(push, piece, services, pieces, unlabelled)
    if services and len(services) not in counts | {len(pieces)}:
        push.fault(
            "token_count",
            f"'pn-param' declares {len(services)} service(s), "
            f"'pn-prid' holds {len(pieces)} token(s)",
        )


def _fault_without_pn_prid(push: PushParams) -> None:
    if push.pn_prid is None:
        push.fault("pn_prid_missing", "no 'pn-prid' found")
    else:
        push.fault("pn_prid_empty", "'pn-prid' is empty")


def _is_unlabelled(piece: str) -> bool:
    return ":" not in piece


def _read_token(
    push: PushParams,
    piece: str,
    services: tuple[str, ...],
    pieces: list[str],
    unlabelled: list[str],
) -> None:
    token, colon, label = piece.partition(":")
    if not token:
        push.fault("pn_prid_syntax", "syntax of 'pn-prid' is invalid: an empty token")
        return
    if not colon:
        if len(pieces) > 1:
            push.fault(
                "token_unlabelled",
                "syntax of 'pn-prid' is invalid: a token without ':voip' or ':remote'",
            )
        if len(unlabelled) > 1:
            return  # nothing tells which of them is which
        label = _label_for_unlabelled(push, services)
    elif label not in SERVICES:
        push.fault(
            "token_label", f"syntax of 'pn-prid' is invalid: label '{label[:40]}'"
        )
        return
    elif services and label not in services:
        push.fault("service_undeclared", f"'pn-param' does not declare '{label}'")
    _keep(push, label, token)


def _label_for_unlabelled(push: PushParams, services: tuple[str, ...]) -> str:
    """A token without a label: voip where pn-param ends in `.voip`, else remote.

    Beside labelled ones it is the service that is still without a token.
    """
    only_voip = unquote(push.pn_param or "").endswith(".voip")
    if push.tokens:
        return next((name for name in services if name not in push.tokens), "remote")
    return "voip" if only_voip else "remote"


def _keep(push: PushParams, kind: str, token: str) -> None:
    if kind in push.tokens:
        push.fault("token_twice", f"two {kind} tokens; the first counts")
        return
    push.tokens[kind] = token
    if not (len(token) == TOKEN_LENGTH and token.isalnum() and token.isascii()):
        push.fault(
            "token_form", f"the {kind} token is not 64 characters of 0-9 and letters"
        )


def _read_legacy(push: PushParams, found: dict[str, str]) -> None:
    """Map app-id, pn-type and pn-tok as Flexisip's sending side does (SIP.md §B)."""
    for name in ("pn-type", "app-id", "pn-tok"):
        if not found.get(name):
            push.fault(
                f"{name.replace('-', '_')}_missing",
                f"invalid legacy push parameters in request uri: no '{name}' found",
            )
    kind = unquote(found.get("pn-type", ""))
    app_id = unquote(found.get("app-id", ""))
    if kind == "apple":
        _read_apple(push, app_id, unquote(found.get("pn-tok", "")))
    elif kind in {"google", "firebase", "android", "wp", "wp10"}:
        push.bundle_id = app_id or None
    elif kind:
        push.bundle_id = app_id or None
        push.fault(
            "pn_type_unsupported", f"legacy provider type [{kind}] not supported"
        )


def _read_apple(push: PushParams, app_id: str, token: str) -> None:
    push.environment = "sandbox" if app_id.endswith(".dev") else "production"
    bundle = re.sub(r"\.(prod|dev)$", "", app_id)
    service = "voip" if bundle.endswith(".voip") else "remote"
    push.bundle_id = bundle.removesuffix(".voip") or None
    if token:
        _keep(push, service, token)
