"""The house rules that a program can see: who imports whom, sizes, where imports stand."""

from __future__ import annotations

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("registrations", "notifications", "pushdash", "simulator")
LONGEST_FILE = 300
NO_CELERY_NO_CHANNELS = ("celery", "channels")

#: Who (by module prefix) must not import what (by module prefix).
FORBIDDEN = [
    (
        "registrations",
        ("notifications", "pushdash", "simulator", *NO_CELERY_NO_CHANNELS),
    ),
    ("notifications", ("pushdash", "simulator")),
    ("simulator", ("django", "registrations", "notifications", "pushdash")),
    ("simulator", NO_CELERY_NO_CHANNELS),
]
#: The pure cores, and the only foreign libraries each may import.
PURE = {
    "registrations.sip": ("registrations.sip",),
    "registrations.formats": ("registrations.formats", "registrations.sip"),
    "registrations.bindings": ("registrations.bindings", "registrations.sip"),
    "notifications.apns": ("notifications.apns", "aioapns", "jh2", "jwt"),
    "notifications.risk": ("notifications.facts",),
    "notifications.judging": ("notifications.facts",),
    "notifications.beacons": (),
    "notifications.facts": (),
}
SETTINGS_STOP_AT = ("registrations.sip", "registrations.formats", "notifications.apns")
USE_CHANNELS = ("notifications.consumers", "notifications.live", "pushdash.asgi")


def modules(root: Path) -> dict[str, Path]:
    """Dotted name → file, of every module of the house."""
    found = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = path
    return found


def within(name: str, prefix: str) -> bool:
    """True when module `name` is `prefix` or lies in it."""
    return name == prefix or name.startswith(prefix + ".")


def imports_of(name: str, path: Path, known: dict[str, Path]) -> set[str]:
    """Absolute names of the modules it imports."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                parts = package.split(".")
                above = ".".join(parts[: len(parts) - node.level + 1])
                source = ".".join(filter(None, [above, source]))
            below = {f"{source}.{alias.name}" for alias in node.names}
            inner = below & known.keys()
            # `from package import module` means the module; else the source itself.
            found |= inner if inner and len(inner) == len(below) else {source} | inner
    return found


def broken_layers(root: Path) -> list[str]:
    """Imports that go up or sideways (rules 1, 2 and the simulator's)."""
    known, wrong = modules(root), []
    for name, path in known.items():
        for imported in imports_of(name, path, known):
            for who, what in FORBIDDEN:
                if within(name, who) and any(within(imported, bad) for bad in what):
                    wrong.append(f"{name} imports {imported}")
            is_ours = not within(imported, "registrations")
            if within(name, "notifications") and not (
                is_ours or within(imported, "registrations.models")
            ):
                wrong.append(f"{name} imports {imported}, not its models")
    return wrong


def broken_cores(root: Path) -> list[str]:
    """Imports of a pure core beyond the standard library and its one protocol (rule 3)."""
    known, wrong = modules(root), []
    for core, allowed in PURE.items():
        for name in filter(lambda name: within(name, core), known):
            for imported in imports_of(name, known[name], known):
                is_standard = imported.split(".")[0] in sys.stdlib_module_names
                if not is_standard and not any(
                    within(imported, good) for good in (core, *allowed)
                ):
                    wrong.append(f"{name} imports {imported}")
    return wrong


def broken_edges(root: Path) -> list[str]:
    """Settings below the edge, Channels or a task's start where they have no place (4, 5)."""
    known, wrong = modules(root), []
    for name, path in known.items():
        imported = imports_of(name, path, known)
        if (
            any(within(one, "channels") for one in imported)
            and name not in USE_CHANNELS
        ):
            wrong.append(f"{name} imports channels")
        if "django.conf" in imported and any(
            within(name, core) for core in SETTINGS_STOP_AT
        ):
            wrong.append(f"{name} reads settings")
        if starts_a_task(path) and name != "notifications.outbox":
            wrong.append(f"{name} starts a task")
    return wrong


def starts_a_task(path: Path) -> bool:
    """True when a call in it hands a task to Celery."""
    names = {"delay", "apply_async", "delay_on_commit", "apply_async_on_commit"}
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in names
        for node in ast.walk(ast.parse(path.read_text()))
    )


def broken_bodies(root: Path) -> list[str]:
    """Imports inside functions, star imports, and files too long to read."""
    wrong = []
    for name, path in modules(root).items():
        text = path.read_text()
        if len(text.splitlines()) > LONGEST_FILE:
            wrong.append(f"{name} is longer than {LONGEST_FILE} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                wrong.append(f"{name} imports a star")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                inside = (ast.Import, ast.ImportFrom)
                if any(isinstance(one, inside) for one in ast.walk(node)):
                    wrong.append(f"{name}.{node.name} imports inside a function")
    return wrong


def cycle(root: Path) -> list[str]:
    """One import cycle, or []. A package's face depends on what it imports, as any module."""
    known = modules(root)
    graph = {
        name: imports_of(name, path, known) & known.keys() - {name}
        for name, path in known.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


RULES = [broken_layers, broken_cores, broken_edges, broken_bodies, cycle]


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rules(rule):
    assert rule(ROOT) == []


def test_test_files_are_short_enough_to_read():
    for path in (ROOT / "tests").rglob("*.py"):
        assert len(path.read_text().splitlines()) <= LONGEST_FILE, path


PLANTED = [
    (broken_layers, "registrations/x.py", "from notifications.models import Push"),
    (broken_layers, "registrations/x.py", "import celery"),
    (broken_layers, "notifications/x.py", "from registrations import ingest"),
    (broken_layers, "notifications/x.py", "from registrations.sip import Message"),
    (broken_layers, "notifications/x.py", "import pushdash.demo"),
    (broken_layers, "simulator/x.py", "from django.db import models"),
    (broken_cores, "registrations/sip/x.py", "import psycopg"),
    (broken_cores, "registrations/sip/x.py", "from ..formats import plain"),
    (broken_cores, "notifications/apns/x.py", "from django.conf import settings"),
    (broken_cores, "notifications/risk.py", "from notifications.models import Push"),
    (broken_edges, "notifications/x.py", "from channels.db import x"),
    (broken_edges, "registrations/sip/x.py", "from django.conf import settings"),
    (broken_edges, "notifications/x.py", "def f(task):\n    task.delay(1)"),
    (broken_bodies, "pushdash/x.py", "def f():\n    import os"),
    (broken_bodies, "pushdash/x.py", "from os import *"),
    (broken_bodies, "pushdash/x.py", "x = 1\n" * 301),
    (cycle, "pushdash/x.py", "from pushdash import y"),
]


@pytest.mark.parametrize(("rule", "file", "text"), PLANTED)
def test_a_broken_rule_is_seen(tmp_path, rule, file, text):
    for package in ("registrations/sip", "notifications/apns", "pushdash", "simulator"):
        (tmp_path / package).mkdir(parents=True)
    for name in ("registrations/ingest.py", "pushdash/demo.py"):
        (tmp_path / name).write_text("")
    (tmp_path / "pushdash/y.py").write_text("import pushdash.x\n")
    if rule is not cycle:
        (tmp_path / "pushdash/y.py").unlink()
    assert rule(tmp_path) == []
    (tmp_path / file).write_text(text)
    assert rule(tmp_path) != []
