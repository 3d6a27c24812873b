"""A push as the command that would send it again, for a ticket or a terminal. Pure.

What proves who we are is left to the shell, and the token is masked: whoever runs it puts
both in.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable

from notifications.apns import PRODUCTION, SANDBOX
from notifications.models import Credential, Push

PROOFS = {
    Credential.Kind.KEY: '--header "authorization: bearer $PROVIDER_TOKEN"',
    Credential.Kind.CERTIFICATE: '--cert "$CERTIFICATE"',
}


def command_of(
    push: Push, headers: Iterable[tuple[str, str]], credential: Credential | None
) -> str:
    """`curl --http2 …` over several lines. `headers`: as `push_page.headers_of` gives them;
    `credential`: the one of the push's app and environment, None where there is none.
    """
    named = dict(headers)
    path = named.pop(":path")
    lines = ["curl --http2", PROOFS[credential.kind if credential else "key"]]
    lines += [
        f"--header {shlex.quote(f'{name}: {value}')}" for name, value in named.items()
    ]
    body = json.dumps(push.payload, separators=(",", ":"))
    lines.append(f"--data {shlex.quote(body)}")
    lines.append(shlex.quote(f"https://{_host(push, credential)}{path}"))
    return " \\\n  ".join(lines)


def _host(push: Push, credential: Credential | None) -> str:
    if credential is not None and credential.server == Credential.Server.OTHER:
        return f"{credential.host}:{credential.port}"
    server = credential.server if credential else push.environment
    apple = SANDBOX if server == Credential.Server.SANDBOX else PRODUCTION
    return apple.host
