"""`python -m praxisd.testing.torture`: try hard to double-book a practice, and to lose a booking by killing its server.

    --attempts N   so many attempts to give an appointment a time (default 20000)
    --engine       sqlite, postgresql (two servers on one database), or both (default)
    --kills K      instead: kill -9 a server K times while it books
    --seed S       dice of the clients        --out DIR   where histories and folders stay

Prints one table; ends with 1 if a single promise was broken. The histories are described in
docs/reference/history.md, for checkers written by others.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from praxisd.testing.torture_check import kinds
from praxisd.testing.torture_kills import kill_again_and_again
from praxisd.testing.torture_run import Result, outcomes, torture

_SHOWN = 20


def report(result: Result, out: Path) -> str:
    """The table of one torture."""
    records = result.records
    all_ = outcomes(records)
    doors = Counter(r.door for r in records)
    width = max(len(f"{door} {op}") for door, op, _ in all_)
    lines = [
        f"{result.engine}: {result.attempts} attempts in {result.seconds:.1f} s"
        f" ({result.attempts / max(result.seconds, 1e-9):.0f}/s), {len(records)} requests"
        f" ({', '.join(f'{n} {door}' for door, n in sorted(doors.items()))}), {result.clients} clients",
        *(f"  {f'{door} {op}':{width}}  {n:7}  {what}" for (door, op, what), n in sorted(all_.items())),
        *(f"  {note}" for note in result.notes),
        f"  {len(result.state.appointments)} appointments, {len(result.state.busy)} occupied rows,"
        f" {len(result.state.events)} events; history in {out / f'history-{result.engine}.jsonl'}",
    ]
    if not result.fhir:
        lines.append("  the server has no $book on FHIR: REST only")
    found = result.violations
    lines.append(f"  violations={len(found)} {dict(kinds(found)) if found else ''}".rstrip())
    lines += [f"    {v.kind}: {v.text}" for v in found[:_SHOWN]]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m praxisd.testing.torture", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--attempts", type=int, default=20_000)
    parser.add_argument("--engine", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    out = asked.out or Path(tempfile.mkdtemp(prefix="praxisd-torture-"))
    out.mkdir(parents=True, exist_ok=True)
    print(f"seed {asked.seed}, everything kept in {out}", flush=True)
    bad = 0
    for engine in ("sqlite", "postgresql") if asked.engine == "both" else (asked.engine,):
        if asked.kills:
            result = kill_again_and_again(engine, asked.kills, asked.seed, out)
        else:
            result = torture(engine, asked.attempts, asked.seed, out)
        print(report(result, out), flush=True)
        bad += len(result.violations)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
