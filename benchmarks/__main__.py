"""`bin/bench NAME`: runs one benchmark; each prints one JSON line a result.

Exit status 1 when a bar is not met. Everything a benchmark starts it also stops.
"""

from __future__ import annotations

import signal
import sys

from benchmarks import kill, verdict_to_screen

BENCHES = {"kill": kill, "verdict-to-screen": verdict_to_screen}


def main(arguments: list[str]) -> int:
    """The exit status."""
    name, *rest = arguments or ["--help"]
    if name in BENCHES:
        return BENCHES[name].main(rest)
    lines = [
        f"  {known:<20} {bench.__doc__.strip().splitlines()[0]}"
        for known, bench in BENCHES.items()
    ]
    sys.stdout.write(
        "usage: bin/bench NAME [OPTION…]   (bin/bench NAME --help)\n\n"
        + "\n".join(lines)
        + "\n"
    )
    return 0 if name in {"--help", "-h"} else 2


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
