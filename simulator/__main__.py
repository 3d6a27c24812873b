"""`python -m simulator --folder DIR --log FILE --port P`: the rehearsal stage."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from simulator.rehearsal import Rehearsal, run


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="what it keeps")
    parser.add_argument("--log", type=Path, required=True, help="the Flexisip log")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True, help="of the APNs server")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=6, help="of past")
    parser.add_argument("--phones", type=int, default=90)
    parser.add_argument(
        "--threshold", type=int, default=3, help="failures in a row until iOS blocks"
    )
    parser.add_argument("--speed", choices=["wall"], default="wall")
    return parser


def main() -> None:
    """Read the command line and run until told to stop."""
    given = vars(arguments().parse_args())
    given.pop("speed")
    asyncio.run(run(Rehearsal(**given)))


if __name__ == "__main__":
    main()
