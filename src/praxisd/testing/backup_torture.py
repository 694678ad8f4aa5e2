"""`python -m praxisd.testing.backup_torture`: backups tormented as a practice never would; what must hold is judged (issue 9).

    --runs N       whole runs under a steady load of writing, the writer's stalls with and without compared (default 30)
    --kills K      so many times kill -9 of the process that runs the backup, in every step of it (default 50)
    --flips F      so many flipped bits in every kind of file of a repository (default 3), a full disk, a target pulled out
    --megabytes M  size of the practice's database (default 60)        --seed S   dice

restic is the real one, the house is a whole one, the ledger in its database must always add up. Full disk and pulling out
need root on Linux; they are left out, and said, elsewhere. Ends with 1 if one promise was broken.
"""

import argparse
import functools
import os
import sys
import tempfile
from pathlib import Path

from praxisd.services.backups.engines.restic import Restic
from praxisd.testing import debian
from praxisd.testing.backup_torture_faults import faults
from praxisd.testing.backup_torture_kills import kills
from praxisd.testing.backup_torture_load import load
from praxisd.testing.engine_quick import QuickRestic, ready


def quick(program: Path, folder: Path) -> Restic:
    """restic whose passwords cost nothing to try: a moment to kill lies in the run, and not in scrypt."""
    return QuickRestic(folder, program)


def main(argv: list[str] | None = None) -> int:
    """All of it, one after the other; the figures are printed."""
    asked = argparse.ArgumentParser(description="Torment backups.")
    asked.add_argument("--runs", type=int, default=30)
    asked.add_argument("--kills", type=int, default=50)
    asked.add_argument("--flips", type=int, default=3)
    asked.add_argument("--megabytes", type=int, default=60)
    asked.add_argument("--seed", type=int, default=9)
    args = asked.parse_args(argv)
    program = debian.program(["restic"], "restic")
    ready(program)
    make = functools.partial(quick, program)
    broken = 0
    with tempfile.TemporaryDirectory(prefix="praxisd-torture-") as folder:
        top = Path(folder)
        small = min(args.megabytes, 8)
        tasks = (
            (
                args.kills,
                lambda: kills(top / "kills", make, args.kills, args.seed, small),
            ),  # first: no threads yet
            (args.runs, lambda: load(top / "load", make, args.runs, args.megabytes)),
            (
                args.flips,
                lambda: faults(top / "faults", make, each=args.flips, seed=args.seed, megabytes=small),
            ),
        )
        for number, task in tasks:
            if number:
                result = task()
                sys.stdout.write(result.report() + "\n")
                sys.stdout.flush()
                broken += len(result.faults)
    return 1 if broken else 0


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    sys.exit(main())
