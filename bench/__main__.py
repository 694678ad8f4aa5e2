"""`python -m bench [PART] [--json]`: measure, print ratios; ends with 1 if a demand is missed.

PARTs: slots, bookings, view, page, jobs, reminders, online, relay, seats, logbook, medication, updates, start, backups,
care, all.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import practice, report


def _with_practice(options: argparse.Namespace, found: report.Report, say: Callable[[str], None]) -> None:
    """The parts that ask a practice with 50,000 appointments."""
    with tempfile.TemporaryDirectory(prefix="praxisd-bench-") as name:
        work = Path(name)
        base = options.keep or work / "base"
        made = practice.prepared(base, say)
        found.notes.append(
            f"practice: {made.appointments} appointments in {practice.DOCTORS + practice.ROOMS} columns, "
            f"{made.busy:.0%} of the opening hours taken in the days asked for"
        )
        if options.part in ("slots", "all"):
            from bench import slots

            folder, other = practice.copy(base, work / "slots"), practice.copy(base, work / "other")
            found.rows += slots.measure(made, folder, other, options.rounds, options.seconds, say)
        if options.part in ("bookings", "all"):
            from bench import bookings

            found.rows += bookings.measure(
                made, base, work, options.rounds, options.seconds, say, found.notes
            )
        if options.part in ("view", "all"):
            from bench import console_view

            folder = practice.copy(base, work / "view")
            found.rows += console_view.measure(made, folder, options.rounds, say, found.notes)
        if options.part in ("start", "all"):
            from bench import start

            folder = practice.copy(base, work / "start")
            found.rows += start.measure(made, folder, max(7, options.rounds), say, found.notes)
        if options.part in ("backups", "all"):
            from bench import backups

            found.rows += backups.measure(made, base, work, min(options.rounds, 5), say, found.notes)
        if options.part in ("care", "all"):
            from bench import care

            found.rows += care.measure(base, work, min(options.rounds, 5), say, found.notes)


def main() -> int:
    """Parse, prepare the practice, run the parts."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part",
        nargs="?",
        choices=(
            "slots",
            "bookings",
            "view",
            "page",
            "jobs",
            "reminders",
            "online",
            "relay",
            "seats",
            "logbook",
            "medication",
            "updates",
            "start",
            "backups",
            "care",
            "all",
        ),
        default="all",
    )
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds, 7 if left out")
    parser.add_argument("--seconds", type=int, default=2, help="length of one load, 2 if left out")
    parser.add_argument(
        "--entries", type=int, default=1_000_000, help="of the logbook, a million if left out"
    )
    parser.add_argument("--keep", type=Path, help="a folder for the filled practice, used again the same day")
    options = parser.parse_args()

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    found = report.Report(report.machine())
    if options.part in ("page", "all"):
        from bench import console_page

        found.rows += console_page.measure(options.rounds, say, found.notes)
    if options.part in ("updates", "all"):
        from bench import updating

        found.rows += updating.measure(min(options.rounds, 3), say, found.notes)
    if options.part in ("jobs", "all"):
        from bench import jobs

        found.rows += jobs.measure(options.rounds, say, found.notes)
    if options.part in ("reminders", "all"):
        from bench import reminders

        found.rows += reminders.measure(options.rounds, say, found.notes)
    if options.part in ("online", "all"):
        from bench import online

        found.rows += online.measure(options.rounds, say, found.notes)
    if options.part in ("relay", "all"):
        from bench import relay, relay_cluster, relay_python

        found.rows += relay.measure(options.rounds, options.seconds, say, found.notes)
        found.rows += relay_python.measure(options.rounds, options.seconds, say, found.notes)
        found.rows += relay_cluster.measure(options.rounds, options.seconds, say, found.notes)
    if options.part in ("seats", "all"):
        from bench import seats

        found.rows += seats.measure(options.rounds, options.seconds, say, found.notes)
    if options.part in ("logbook", "all"):
        from bench import logbook

        found.rows += logbook.measure(options.entries, min(options.rounds, 3), say, found.notes)
    if options.part in ("medication", "all"):
        from bench import medication

        found.rows += medication.measure(min(options.rounds, 3), say, found.notes)
    if options.part not in (
        "seats",
        "logbook",
        "medication",
        "page",
        "jobs",
        "reminders",
        "online",
        "relay",
        "updates",
    ):
        _with_practice(options, found, say)
    report.show(found, options.json)
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
