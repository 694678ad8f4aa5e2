"""`python -m praxisd.testing.cluster_torture`: break a cluster in every way at once, and see that nobody is booked twice.

    --n N            so many rounds of all faults (default 1)
    --faults A,B     only these, in this order: calm, kill, suspend, postgres, stuck, deaf,
                     nats, hub, rolling, maintenance
    --seed S         dice of the clients              --out DIR      where history, logs and folders stay
    --clients C      for each of two practices (6)    --lease S      a node that says nothing so long is gone (30)
    --no-relay       without hubs and NATS            --report FILE  the table of what clients saw, as Markdown
    --haproxy        clients come by a real haproxy instead of a small balancer of our own

Three `praxisd serve` on one PostgreSQL behind a balancer, two hubs with a NATS, two practices, a job. Ends with 1 if one
promise was broken: a booking twice or lost, a job not exactly once, a page that was not told of a change, a practice
that saw another's, a failed request through the balancer during a rolling restart.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from praxisd.testing.cluster_faults import FAULTS, NEED_RELAY
from praxisd.testing.cluster_report import summary, table
from praxisd.testing.cluster_run import Outcome, torture

SHOWN = 30


def report(found: Outcome, seed: int, lease_s: int) -> str:
    """All figures as Markdown."""
    lines = [
        f"cluster torture, seed {seed}, lease {lease_s} s, {found.seconds:.0f} s, violations={len(found.faults)}",
        *(f"- {one}" for one in found.notes),
        "",
        summary(found.rows),
        "",
        *(f"- {row.fault}: {note}" for row in found.rows for note in row.notes),
        *(f"- BROKEN {one}" for one in found.faults[:SHOWN]),
        "",
        "Each time:",
        "",
        table(found.rows),
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> int:
    """What the command line asks for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.cluster_torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--n", type=int, default=1)
    parser.add_argument("--faults")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--lease", type=int, default=30)
    parser.add_argument("--no-relay", action="store_true")
    parser.add_argument("--haproxy", action="store_true")
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args(arguments)
    relay = not asked.no_relay
    usual = [one for one in FAULTS if relay or one not in NEED_RELAY]
    faults = (asked.faults.split(",") if asked.faults else usual) * asked.n
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-cluster-"))
    print(f"seed {asked.seed}, everything kept in {out}", flush=True)
    found = torture(
        out, faults, asked.seed, clients=asked.clients, lease_s=asked.lease, relay=relay, haproxy=asked.haproxy,
        say=lambda words: print(words, flush=True),
    )  # fmt: skip
    text = report(found, asked.seed, asked.lease)
    if asked.report is not None:
        asked.report.write_text(text, encoding="utf-8")
    print(text, flush=True)
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
