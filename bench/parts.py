"""The parts of the bench: what each measures, beside what, and how it is run. The order is that of the report."""

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bench import practice, report

Say = Callable[[str], None]


@dataclass
class Run:
    """What a part is given: options, and the practice of 50,000 appointments, filled when first asked for."""

    rounds: int
    seconds: int
    entries: int
    small: bool
    keep: Path | None
    say: Say
    stack: ExitStack = field(default_factory=ExitStack)

    @cached_property
    def work(self) -> Path:
        """A folder for all that this run makes, gone at its end."""
        return Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="praxisd-bench-")))

    @property
    def base(self) -> Path:
        """The filled practice; nobody may write there."""
        return self.keep or self.work / "base"

    @cached_property
    def made(self) -> practice.Filled:
        """What is in it."""
        return practice.prepared(self.base, self.say)

    def copy(self, name: str) -> Path:
        """A copy of it under a name."""
        made = self.made
        assert made.appointments
        return practice.copy(self.base, self.work / name)

    def few(self, most: int) -> int:
        """The rounds, but not more than so many."""
        return min(self.rounds, most)

    def about(self, found: report.Report) -> None:
        """Say once what the practice is."""
        said = (
            f"practice: {self.made.appointments} appointments in {practice.DOCTORS + practice.ROOMS} columns, "
            f"{self.made.busy:.0%} of the opening hours taken in the days asked for"
        )
        if said not in found.notes:
            found.notes.append(said)


Measure = Callable[[Run, report.Report], None]


@dataclass(frozen=True)
class Part:
    """`beside`: the floor or peer. `less`, `own`: patterns of rows that are costs, or that stand beside praxisd itself.
    `minutes`: about how long it takes on a quiet machine of two cores.
    """

    name: str
    title: str
    beside: str
    measure: Measure
    minutes: int
    less: str = "$^"
    own: str = "$^"

    def run(self, given: Run) -> report.Report:
        """Measure. Raises what the part raises; SystemExit where something it needs is not to be had."""
        found = report.Report(report.machine())
        self.measure(given, found)
        for one in found.rows:
            said = f"{one.part}: {one.name}"
            one.less = one.less or re.search(self.less, said) is not None
            one.own = one.own or re.search(self.own, said) is not None
        return found


def _slots(run: Run, found: report.Report) -> None:
    from bench import slots

    run.about(found)
    found.rows += slots.measure(
        run.made, run.copy("slots"), run.copy("other"), run.rounds, run.seconds, run.say
    )


def _bookings(run: Run, found: report.Report) -> None:
    from bench import bookings

    run.about(found)
    with _room(run, "bookings") as room:
        found.rows += bookings.measure(
            run.made, run.base, room, run.rounds, run.seconds, run.say, found.notes
        )


def _view(run: Run, found: report.Report) -> None:
    from bench import console_view

    found.rows += console_view.measure(run.made, run.copy("view"), run.rounds, run.say, found.notes)


def _page(run: Run, found: report.Report) -> None:
    from bench import console_page

    found.rows += console_page.measure(run.rounds, run.say, found.notes)


def _start(run: Run, found: report.Report) -> None:
    from bench import start

    found.rows += start.measure(run.made, run.copy("start"), max(7, run.rounds), run.say, found.notes)


def _jobs(run: Run, found: report.Report) -> None:
    from bench import jobs

    found.rows += jobs.measure(run.rounds, run.say, found.notes)


def _reminders(run: Run, found: report.Report) -> None:
    from bench import reminders

    found.rows += reminders.measure(run.rounds, run.say, found.notes)


def _online(run: Run, found: report.Report) -> None:
    from bench import online

    found.rows += online.measure(run.rounds, run.say, found.notes)


def _relay(run: Run, found: report.Report) -> None:
    from bench import relay, relay_cluster, relay_python

    for one in (relay, relay_python, relay_cluster):
        found.rows += one.measure(run.rounds, run.seconds, run.say, found.notes)


def _seats(run: Run, found: report.Report) -> None:
    from bench import seats

    found.rows += seats.measure(run.rounds, run.seconds, run.say, found.notes)


def _logbook(run: Run, found: report.Report) -> None:
    from bench import logbook

    found.rows += logbook.measure(run.entries, run.few(3), run.say, found.notes)


def _medication(run: Run, found: report.Report) -> None:
    from bench import medication

    found.rows += medication.measure(run.few(3), run.say, found.notes)


def _updates(run: Run, found: report.Report) -> None:
    from bench import updating

    found.rows += updating.measure(run.few(3), run.say, found.notes)


def _takeover(run: Run, found: report.Report) -> None:
    from bench import takeover

    people = 2_000 if run.small else 50_000
    told = [takeover.measure(people) for _ in range(run.few(3))]
    for work in ("look", "apply", "undo"):
        found.rows.append(
            report.row(
                "take-over",
                f"{work} / plain executemany",
                [one[work] for one in told],
                [one["plain"] for one in told],
            )
        )
    found.notes.append(f"take-over: {people:,} people")


def _backups(run: Run, found: report.Report) -> None:
    from bench import backups

    with _room(run, "backups") as room:
        found.rows += backups.measure(run.made, run.base, room, run.few(5), run.say, found.notes)


def _care(run: Run, found: report.Report) -> None:
    from bench import care

    with _room(run, "care") as room:
        assert run.made.appointments
        found.rows += care.measure(run.base, room, run.few(5), run.say, found.notes)


def _pretix(run: Run, found: report.Report) -> None:
    from bench import peer_pretix

    with _room(run, "pretix") as room:
        found.rows += peer_pretix.measure(
            run.made, run.copy("pretix"), room, run.rounds, run.seconds, run.say, found.notes
        )


def _homeassistant(run: Run, found: report.Report) -> None:
    from bench import peer_homeassistant

    with _room(run, "homeassistant") as room:
        found.rows += peer_homeassistant.measure(run.copy("start-ha"), room, run.rounds, run.say, found.notes)


def _growth(run: Run, found: report.Report) -> None:
    from bench import growth

    found.curves += growth.measure(growth.sizes(run.small), run.say, found.notes)


@contextlib.contextmanager
def _room(run: Run, name: str) -> Iterator[Path]:
    folder = run.work / f"room-{name}"
    folder.mkdir()
    yield folder


PARTS = (
    Part("slots", "Free slots over HTTP", "Litestar alone with the same bytes prebuilt", _slots, 5),
    Part("pretix", "Availability beside pretix", "pretix's own answer about the same calendar", _pretix, 6),
    Part("bookings", "Bookings", "the same statements by the bare driver", _bookings, 3),
    Part("view", "A day of the console's calendar", "an empty day", _view, 2, less=".", own="."),
    Part("page", "The calendar page in a browser", "an empty day", _page, 3, less=".", own="."),
    Part("start", "Start and memory", "Python importing Litestar and SQLAlchemy; the bare framework", _start, 2, less="."),
    Part("homeassistant", "Start and idle memory beside Home Assistant", "Home Assistant core", _homeassistant, 3, less="."),
    Part("jobs", "Jobs", "huey on SQLite, procrastinate on PostgreSQL", _jobs, 6, less="begun"),
    Part("reminders", "Reminders", "the same rows read by the same statements", _reminders, 4, less="."),
    Part("online", "Online calendars", "vdirsyncer and Radicale", _online, 12),
    Part("relay", "Relay", "direct, haproxy, nginx, ssh -R, snitun", _relay, 12, own="wrong hub"),
    Part("updates", "Updates and the guard", "a plain restart by the same guard", _updates, 3, less=".", own="."),
    Part("backups", "Backups", "plain restic on the same files", _backups, 12, less="."),
    Part("seats", "Seats: locks", "Redis, PostgreSQL advisory locks", _seats, 4),
    Part("logbook", "Logbook", "an empty log", _logbook, 5, less=".", own="."),
    Part("care", "Care of the database", "the same without a move; stopping and copying", _care, 3, less=".", own="/ without"),
    Part("medication", "Medication search", "a prefix query of FTS5, tantivy, rapidfuzz", _medication, 6, less="^(?!.*hits)"),
    Part("takeover", "Take-over of people", "plain executemany of the same rows", _takeover, 6, less="."),
    Part("growth", "Growth", "the smallest size", _growth, 20),
)  # fmt: skip
BY_NAME = {one.name: one for one in PARTS}
