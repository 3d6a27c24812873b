"""Our own commands among Django's: which they are, and a list of them for people."""

from __future__ import annotations

from django.core.management import get_commands, load_command_class

OURS = ("pushdash", "registrations", "notifications")
#: `bin/up --demo` calls these itself.
FOR_THE_DEMO = {"demo_calls", "demo_prepare"}


def ours() -> dict[str, str]:
    """Name → app of every command of this house."""
    return {name: app for name, app in get_commands().items() if app in OURS}


def overview() -> str:
    """What `manage.py --help` prints: a line a command, the way a log goes."""
    lines = ["usage: manage.py COMMAND [OPTION…]   (manage.py COMMAND --help)", ""]
    for name, app in sorted(ours().items(), key=lambda item: OURS.index(item[1])):
        if name not in FOR_THE_DEMO:
            said = " ".join(load_command_class(app, name).help.split())
            lines.append(f"  {name:<16} {said.partition('. ')[0].rstrip('.')}")
    return "\n".join([*lines, "", "Django's own commands: manage.py help --commands"])
