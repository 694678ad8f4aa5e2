"""The booking desk as it runs: the job of a real house, two nodes on one folder, two hands on one request."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.services.desk_cast import Desk, at, desk_of

from praxisd.kernel import jobs
from praxisd.kernel.app import House
from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import Planner
from praxisd.services.portals import deciding, desk_job, sources, sources_reading
from praxisd.testing.houses import Houses
from praxisd.testing.trials import run_log, settle

FILES = 12


def watched(desk: Desk, folder: Path) -> str:
    """A watched folder with bookings in it; the source's id."""
    folder.mkdir()
    for number in range(FILES):
        path = folder / f"{number}.txt"
        path.write_text(
            f"Nachname: Muster\nVorname: Vera\nGeburtsdatum: 01.02.1985\nTermin: 2{4 + number % 3}.11.2026 1{number // 3}:00\n"
            f"Kalender: Dr. 1\nBemerkung: {number}\n"
        )
        then = time.time() - 60
        os.utime(path, (then, then))
    given = sources.Given(
        name="Ordner", kind="folder", active=True, portal=None, schedule=None, service=None,
        fields={"folder": str(folder)}, secrets={},
    )  # fmt: skip
    return str(desk.do(lambda tx: sources.create(desk.house, tx, given))[0].id)


def together(*works: Callable[[], object]) -> None:
    """All at once."""
    ready = threading.Barrier(len(works))

    def one(work: Callable[[], object]) -> None:
        ready.wait(30)
        work()

    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_the_job_of_a_real_house(house: House, tmp_path: Path) -> None:
    desk = desk_of(house)
    watched(desk, tmp_path / "ein")
    Planner(house).step()
    listed = {one.name: one for one in desk.see(lambda tx: jobs.list_jobs(house, tx))}
    assert listed[desk_job.NAME].enabled and listed[desk_job.NAME].next_at is not None
    desk.do(lambda tx: jobs.run_now(house, tx, desk_job.NAME))
    settle(house)
    run = run_log(house, desk_job.NAME, desk.practice.organization)[-1]
    assert (run.state, run.counts) == ("success", {"taken": FILES, "stuck": 0, "expired": 0})
    assert len(desk.requests()) == FILES and len({one.patient for one in desk.requests()}) == 1


def test_two_nodes_read_one_folder(postgres_houses: Houses, tmp_path: Path) -> None:
    first = postgres_houses.open()
    desk = desk_of(first)
    second = postgres_houses.twin(first)
    id_ = watched(desk, tmp_path / "ein")
    source = desk.see(lambda tx: sources.store.SOURCES.need(tx, id_))
    taken: list[int] = []

    def read(house: House) -> None:
        counts = sources_reading.read(house, desk.actor, source, lambda: None)
        taken.append(counts["taken"])

    together(lambda: read(first), lambda: read(second))
    assert sum(taken) == FILES == len(desk.requests())
    assert len({one.appointment for one in desk.requests()}) == FILES
    assert len(list((tmp_path / "ein" / "done").iterdir())) == FILES


def test_two_hands_decide_once(postgres_houses: Houses) -> None:
    first = postgres_houses.open()
    desk = desk_of(first)
    second = postgres_houses.twin(first)
    said: list[str] = []

    def decide(house: House, accept: bool) -> None:
        id_ = desk.only().id

        def work(tx: object) -> object:
            one = deciding.need(tx, id_)  # type: ignore[arg-type]
            if accept:
                return deciding.accept(house, tx, one)  # type: ignore[arg-type]
            return deciding.refuse(house, tx, one, "portals.refused_other")  # type: ignore[arg-type]

        try:
            house.store.run(desk.actor, work)  # type: ignore[arg-type]
            said.append("done")
        except Problem as problem:
            said.append(problem.code)

    desk.take(desk.booking(when="2026-11-24 10:00"))
    together(lambda: decide(first, True), lambda: decide(second, False))
    assert sorted(said) == ["done", "portals.request_decided"]
    one = desk.only()
    assert desk.appointment().status == {"accepted": "booked", "refused": "cancelled"}[one.state]
    assert len(desk.answers()) == 1 and len(desk.messages()) == 1 and one.start == at("2026-11-24 10:00")
