"""A job that must run once, brought into real servers as a plug-in of their data folders; its rows are judged afterwards.

Each item is one transaction: an event and the cursor. `owe` makes minutes of the past due, so that there is always work
in the moment in which something is broken.
"""

import json
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from praxisd.kernel import events, plugin_places
from praxisd.kernel.job_run import RunContext
from praxisd.kernel.schedule import Daily, Repeat
from praxisd.kernel.service import JobType, Scope, Service

ITEMS, ITEM_S = 10, 0.05
PACKAGE = "cluster_trial"
NAME = "clustertrial.count"
_AGE_S = 30 * 86_400
_FILES = {
    f"{PACKAGE}/__init__.py": '"""Texts of a trial."""\n',
    f"{PACKAGE}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
    f"{PACKAGE}-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{PACKAGE}-1.0.dist-info/entry_points.txt": "[praxisd.services]\nclustertrial = praxisd.testing.cluster_job:SERVICE\n",
    f"{PACKAGE}/texts/de.toml": '[job.clustertrial.count]\ntitle = "Zählen"\nhelp = "Zählt, zum Erproben."\n',
    f"{PACKAGE}/texts/en.toml": '[job.clustertrial.count]\ntitle = "Count"\nhelp = "Counts, for a trial."\n',
}


def count(run: RunContext) -> None:
    """Do the items that are left, each in one transaction with the cursor."""
    for item in range((run.cursor or 0) + 1, ITEMS + 1):
        with run.write() as tx:
            events.note(tx, "job.changed", "Item", f"{run.due_at}-{item}")
            run.checkpoint(item, tx=tx, items=1)
        time.sleep(ITEM_S)


SERVICE = Service(
    name="clustertrial",
    package=PACKAGE,
    jobs=(
        JobType(
            NAME,
            count,
            Daily(Repeat(1, "00:00", "23:59")),
            enabled=True,
            missed="all",
            per=Scope.INSTALLATION,
        ),
    ),
)


def install(data: Path, wheel: Path) -> None:
    """Put the plug-in into a data folder; it is loaded with the next start."""
    if not wheel.exists():
        with zipfile.ZipFile(wheel, "w") as archive:
            for path, text in _FILES.items():
                archive.writestr(path, text)
            archive.writestr(f"{PACKAGE}-1.0.dist-info/RECORD", "".join(f"{one},,\n" for one in _FILES))
    plugin_places.put(data, PACKAGE, "1.0", wheel)


class Owed:
    """The minutes that are due, and whether each was done exactly once. `url`: of the database."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://")
        self.first = int(time.time()) // 60 * 60

    def _ask(self, statement: str, *values: Any) -> list[Any]:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def owe(self, minutes: int) -> None:
        """So many more minutes of the past are due."""
        self.first -= minutes * 60
        moved = "UPDATE kernel_job SET next_at = %s, max_age_s = %s WHERE name = %s RETURNING name"
        if not self._ask(moved, self.first, _AGE_S, NAME):
            raise RuntimeError("the job is not there: was the plug-in loaded?")
        self._ask("NOTIFY praxisd, 'owed'")

    def open(self) -> int:
        """How many runs are not over."""
        states = "state IN ('waiting', 'running', 'interrupted')"
        return int(self._ask(f"SELECT count(*) FROM kernel_run WHERE job = %s AND {states}", NAME)[0][0])

    def worker(self) -> str | None:
        """The node (as it names itself) that does a run in this moment."""
        found = self._ask("SELECT owner FROM kernel_run WHERE job = %s AND state = 'running'", NAME)
        return str(found[0][0]) if found else None

    def finish(self, within: float) -> int:
        """Owe nothing more and wait until all is done; the last minute that was owed."""
        row = self._ask("UPDATE kernel_job SET enabled = 0 WHERE name = %s RETURNING next_at", NAME)
        until = time.monotonic() + within
        while self.open() and time.monotonic() < until:
            time.sleep(0.2)
        return int(row[0][0]) - 60

    def judge(self, last: int) -> tuple[list[str], list[str]]:
        """(notes, broken promises)."""
        faults: list[str] = []

        def compare(what: str, wrong: Any) -> None:
            if wrong:
                faults.append(f"job: {len(wrong)} {what}: {sorted(wrong, key=repr)[:3]}")

        log = self._ask("SELECT due_at, state, counts, attempt, code FROM kernel_run WHERE job = %s", NAME)
        items = self._ask("SELECT subject_id FROM kernel_event WHERE subject_type = 'Item'")
        owed = set(range(self.first, last + 1, 60))
        rows, done = Counter(r[0] for r in log), Counter(r[0] for r in items)
        wanted = {f"{due}-{item}" for due in owed for item in range(1, ITEMS + 1)}
        compare("minutes without a run", owed - set(rows))
        compare("runs nobody owed", set(rows) - owed)
        compare("minutes with several runs", {due for due, n in rows.items() if n > 1})
        compare("runs that did not succeed", {(r[0], r[1], r[4]) for r in log if r[1] != "success"})
        compare(
            "runs that counted wrongly", {(r[0], r[2]) for r in log if json.loads(r[2]) != {"items": ITEMS}}
        )
        compare("items never done", wanted - set(done))
        compare("items done twice", {one for one, n in done.items() if n > 1})
        over = sum(r[3] > 1 for r in log)
        return [
            f"job: {len(log)} due runs of {ITEMS} items, each once; {over} taken over by another node"
        ], faults
