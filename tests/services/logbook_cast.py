"""What the tests of the logbook share: a practice with its doors by role and by person, and entries to send."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import event_search, job_claim, job_store, jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.service import Scope
from praxisd.kernel.store import Tx
from praxisd.services.logbook.book import book_of
from praxisd.services.logbook.rules import shown
from praxisd.testing.practice import Practice, key_for, small_practice
from praxisd.web.app import build


def entry(house: House, seq: int, code: str = "printer.paper_out", **more: Any) -> dict[str, Any]:
    """An entry as a program sends it, made now; `ago` seconds before."""
    at = shown(house.clock.now_ms() - int(more.pop("ago", 0) * 1000))
    return {"seq": seq, "at": at, "level": "info", "kind": "status", "code": code, **more}


def tech(value: Any) -> dict[str, Any]:
    """A value of the program."""
    return {"class": "tech", "value": value}


class Scene:
    """A practice, and REST clients of it by role, all by key."""

    def __init__(self, house: House, practice: Practice, client: TestClient[Any]) -> None:
        self.house, self.practice, self.client = house, practice, client
        self.organization = practice.organization
        self.actor = system("test", practice.organization)
        self._keys = {role: key_for(house, practice, role, role) for role in ("owner", "desk", "partner")}
        self.last: Any = None

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        status: int = 200,
        role: str = "desk",
        lang: str = "de",
    ) -> Any:
        """The answer; JSON where it is."""
        headers = {"Authorization": f"Bearer {self._keys[role]}", "Accept-Language": lang}
        self.last = self.client.request(method, f"/api/v1/logbook{path}", headers=headers, json=body)
        assert self.last.status_code == status, self.last.text
        media = self.last.headers.get("content-type", "").partition(";")[0]
        found = ("application/json", "application/problem+json")
        return self.last.json() if media in found else self.last.content

    def write(self, *entries: dict[str, Any]) -> int:
        """Entries of the desk's key."""
        return int(self("POST", "/entries", {"entries": list(entries)})["upto"])

    def search(self, **body: Any) -> list[dict[str, Any]]:
        """What is found, without the server's own lines."""
        found = self("POST", "/search", {"limit": 200, **body})["entries"]
        return [one for one in found if not one["source"].startswith("server")]

    def codes(self, **body: Any) -> list[str]:
        """The codes of what is found."""
        return [one["code"] for one in self.search(**body)]

    def set(self, key: str, value: Any) -> None:
        """Store a setting."""
        self.house.store.run(self.actor, lambda tx: self.house.settings.put(tx, key, value))

    def events(self, type_: str) -> list[dict[str, Any]]:
        """Codes of the events of a type."""
        with self.house.store.read(self.actor) as tx:
            found = event_search.find(tx, self.house.registry, event_search.Wanted(types=[type_]))
        return [one.codes for one in found]

    @property
    def shelf(self) -> Any:
        """The log database."""
        return book_of(self.house).shelf


@contextmanager
def scene(house: House) -> Iterator[Scene]:
    """The practice with its doors."""
    practice = small_practice(house)
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        yield Scene(house, practice, client)


def ran(there: Scene, job: str) -> Any:
    """Run the job once: claimed as a worker does it, run and ended; the run."""
    house = there.house
    actor = system("test") if house.registry.jobs[job].per == Scope.INSTALLATION else there.actor

    def take(tx: Tx) -> Any:
        found = jobs.run_now(house, tx, job).id
        (run,) = job_claim.claim(house, tx, [tx.first(job_store.GET_RUN, id=found)], 1)
        return run

    run = house.store.run(actor, take)
    house.registry.jobs[job].call(run)
    house.store.run(actor, lambda tx: run.finish(tx, "success", None))
    return run
