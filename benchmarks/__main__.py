"""`bin/bench NAME`: runs one benchmark; each prints one JSON line a result.

Every module here with a `main` is one. Exit status 1 when a bar is not met. Everything a
benchmark starts it also stops.
"""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from pathlib import Path


def benches() -> dict[str, tuple[str, str]]:
    """Name → module and first line of its docstring. None is imported for that."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        tree = ast.parse(path.read_text())
        names = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        if "main" in names:
            doc = (ast.get_docstring(tree) or "").partition("\n")[0]
            found[path.stem.replace("_", "-")] = (path.stem, doc)
    return found


def main(arguments: list[str]) -> int:
    """The exit status."""
    name, *rest = arguments or ["--help"]
    known = benches()
    if name in known:
        return import_module(f"benchmarks.{known[name][0]}").main(rest)
    lines = [f"  {each:<20} {doc}" for each, (_, doc) in known.items()]
    sys.stdout.write(
        "usage: bin/bench NAME [OPTION…]   (bin/bench NAME --help)\n\n"
        + "\n".join(lines)
        + "\n"
    )
    return 0 if name in {"--help", "-h"} else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
