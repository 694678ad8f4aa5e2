"""One order while it is carried out: what must be known to go on or to go back, kept in its first journal line."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from praxisd_guard import journal, versions
from praxisd_guard.child_logs import keep_failed
from praxisd_guard.install_prepare import clear
from praxisd_guard.keeper_host import Failure, Host
from praxisd_guard.places import Places

RESTORE_TRIES = 2
"""So often the old version is started before the keeper takes over with its own rules."""


@dataclass(frozen=True)
class Plan:
    """What an order changes: known before anything is touched."""

    order: str
    kind: str
    """install | switch_back"""
    version: str
    """What shall run."""
    old: str
    """What ran."""
    old_previous: str | None
    """What the pointer remembered then."""

    def facts(self) -> dict[str, Any]:
        """For the line `accepted`."""
        return {"version": self.version, "old": self.old, "old_previous": self.old_previous}


def plan_of(found: list[journal.Line]) -> Plan | None:
    """The plan in an order's journal lines, or None where they are of another kind of order."""
    first = next((line for line in found if line.step == "accepted" and "old" in line.facts), None)
    if first is None or first.order is None:
        return None
    return Plan(
        first.order,
        first.kind,
        str(first.facts["version"]),
        str(first.facts["old"]),
        first.facts.get("old_previous"),
    )


class Work:
    """The steps that both an order and its recovery take. Each may be taken again after a kill in its middle."""

    def __init__(self, home: Path, plan: Plan, host: Host) -> None:
        self.home = home
        self.plan = plan
        self.host = host
        self._journal = journal.Journal(home)

    def note(self, step: str, **facts: Any) -> None:
        """The next line of this order; OSError."""
        self._journal.write(self.plan.kind, step, self.plan.order, **facts)
        self.host.step(None if step in journal.TERMINAL else self.plan.order, step)

    def switch(self) -> None:
        """Let the pointer name the new version; OSError, ValueError when it is not there."""
        versions.point(self.home, self.plan.version)
        self.note("switched")

    def start_new(self, reason: str = "update") -> bool:
        """Start the new version, look at it from outside, keep it or go back. True when a server runs now.

        From here on a journal that cannot be written (full disk) stops nothing: the practice comes first, and
        `recover` ends the order when the guard starts again.
        """
        failure = self.host.start(reason)
        if failure is not None:
            return self.back("guard.not_started", failure)
        self._quietly("started")
        failure = self.host.healthy(self.plan.version)
        if failure is not None:
            return self.back("guard.not_healthy", failure)
        self._quietly("healthy")
        self.keep()
        return True

    def keep(self) -> None:
        """The new version stays; all but it and the one before are removed."""
        self._last(journal.KEPT, version=self.plan.version)

    def back(self, code: str, failure: Failure) -> bool:
        """Give up the new version: keep its words, point back, start the old one. True when a server runs now."""
        self._quietly("failed", code=code, detail=self._words(failure), log=self._keep_log(failure))
        return self.restore()

    def restore(self) -> bool:
        """From `failed` on: stop what runs, point back, start the old version. True when a server runs now."""
        self.host.stop()
        self._point_back()
        self._quietly("back", version=self.plan.old)
        failure: Failure | None = None
        runs = False
        for _ in range(RESTORE_TRIES):
            failure = self.host.start("rollback")
            if failure is None:
                runs = True
                failure = self.host.healthy(self.plan.old)
                break
        self.end_restored(failure)
        return runs

    def end_restored(self, failure: Failure | None) -> None:
        """The last line of an order that was taken back."""
        trouble = {} if failure is None else {"trouble": self._words(failure)}
        self._last(journal.RESTORED, version=self.plan.old, healthy=failure is None, **trouble)

    def _point_back(self) -> None:
        try:
            versions.point_back(self.home, self.plan.old, self.plan.old_previous)
        except OSError:  # full: give up what can be given up, and try once more
            places = Places(self.home)
            for path in [*places.incoming.glob("*"), places.reserve]:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
            versions.point_back(self.home, self.plan.old, self.plan.old_previous)

    def _quietly(self, step: str, **facts: Any) -> None:
        with suppress(OSError):
            self.note(step, **facts)

    def _last(self, step: str, **facts: Any) -> None:
        try:
            self.note(step, **facts)
        except OSError:
            clear(self.home)
            self._quietly(step, **facts)
        else:
            clear(self.home)

    def _keep_log(self, failure: Failure) -> str | None:
        if failure.log is None:
            return None
        path = Path(failure.log)
        return str(
            path if path.name.startswith("failed-") else keep_failed(self.home, self.plan.version, path)
        )

    @staticmethod
    def _words(failure: Failure) -> str:
        return f"{failure.code} {failure.detail}".strip()
