"""The database is checked, measured and compacted while others work, and what is wrong with it becomes an Issue."""

import sqlite3
import threading

import pytest
from litestar.testing import TestClient

from praxisd import main
from praxisd.kernel import issues, job_claim, job_store
from praxisd.kernel import jobs as kernel_jobs
from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.services.care import checking, checks, compacting, figures, jobs, store
from praxisd.services.care.working import working_of
from praxisd.testing.practice import key_for, small_practice
from praxisd.web.app import build

WHO = system("care")
FILLED = "CREATE TABLE IF NOT EXISTS strange_filling(id INTEGER PRIMARY KEY, what TEXT)"


def _filled(house, rows=600, each=50_000):
    with house.store.write(WHO) as tx:
        tx.raw(FILLED)
        mark = "%s" if house.store.engine.name == "postgresql" else "?"
        for number in range(rows):
            tx.raw(f"INSERT INTO strange_filling VALUES({mark}, {mark})", (number, "x" * each))


def run_job(house, name):
    """Claimed as a worker does it, run and ended."""

    def take(tx):
        found = kernel_jobs.run_now(house, tx, name).id
        (run,) = job_claim.claim(house, tx, [tx.first(job_store.GET_RUN, id=found)], 1)
        return run

    run = house.store.run(WHO, take)
    house.registry.jobs[name].call(run)
    house.store.run(WHO, lambda tx: run.finish(tx, "success", None))
    return run


def _last(house, kind):
    with house.store.read(WHO) as tx:
        return store.last(tx, kind)[0]


@pytest.mark.parametrize("level", ["quick", "full"])
def test_a_good_database_is_found_good_and_measured(house, level):
    work = checking.check(house, WHO, level)
    assert (work.state, work.code) == ("good", "")
    assert work == _last(house, level)
    assert {"kernel_event", "care_work"} <= {one["name"] for one in work.figures["tables"]}
    assert work.figures["size"] > 100_000
    assert list(checks.found(house)) == []


def test_rows_of_each_table_are_counted(sqlite_houses):
    house = sqlite_houses.open()
    small_practice(house)
    with house.store.read(WHO) as tx:
        count = tx.raw("SELECT count(*) FROM kernel_event").fetchone()[0]
    found = {one.name: one.rows for one in figures.whole(house).tables}
    assert found["kernel_event"] == count > 0


class TestSqlite:
    @pytest.fixture(name="house")
    def the_house(self, sqlite_houses):
        return sqlite_houses.open()

    def test_a_damaged_page_is_found_and_told(self, house):
        _filled(house, 50)
        compacting.checkpoint(house)
        path = house.store.engine.path
        with sqlite3.connect(path) as db:
            page = db.execute("SELECT pageno FROM dbstat WHERE name = 'kernel_event' LIMIT 1").fetchone()[0]
            size = db.execute("PRAGMA page_size").fetchone()[0]
        db.close()
        good = path.read_bytes()
        try:
            with path.open("r+b") as file:
                file.seek((page - 1) * size)
                file.write(b"\xff" * 64)
            state, code, _ = checking.judged(house, "quick", lambda: False)
        finally:
            with path.open("r+b") as file:
                file.write(good)
        assert (state, code) == ("bad", checking.DAMAGED)
        checking.keep(house, WHO, store.Work("1", "full", house.clock.now(), "bad", code), "database.damaged")
        issues.run_checks(house, ["care.found"])
        with house.store.read(WHO) as tx:
            assert [one.code for one in issues.list_all(tx)] == [checking.DAMAGED]
        house.clock.advance(60)
        checking.check(house, WHO, "quick")  # sees less than the full one saw: the issue stays
        assert [one.code for one in checks.found(house)] == [checking.DAMAGED]
        house.clock.advance(60)
        checking.check(house, WHO, "full")
        assert list(checks.found(house)) == []

    def test_an_entry_without_its_counterpart_is_found_in_full(self, house):
        with house.store.engine.held() as db:
            db.execute("CREATE TABLE strange_one(id INTEGER PRIMARY KEY)")
            db.execute("CREATE TABLE strange_two(of INTEGER REFERENCES strange_one(id))")
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("INSERT INTO strange_two VALUES(7)")
            db.execute("PRAGMA foreign_keys = ON")
        assert checking.check(house, WHO, "quick").state == "good"
        work = checking.check(house, WHO, "full")
        assert (work.state, work.code, work.detail) == ("bad", checking.ORPHANS, "strange_two")

    def test_compacting_is_proposed_and_done_while_others_write(self, house):
        _filled(house)
        with house.store.write(WHO) as tx:
            tx.raw("DELETE FROM strange_filling WHERE id % 10 <> 0")
        before = checking.check(house, WHO, "quick").figures["size"]
        assert [one.code for one in checks.holes(house)] == [checks.PROPOSED]
        stop, written = threading.Event(), []

        def write():
            while not stop.is_set():
                with house.store.write(WHO) as tx:
                    tx.raw("INSERT INTO strange_filling VALUES(?, 'new')", (100_000 + len(written),))
                written.append(1)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            work = compacting.compact(house, WHO)
        finally:
            stop.set()
            thread.join()
        assert work.figures["after"] < before // 3
        assert list(checks.holes(house)) == []
        with house.store.read(WHO) as tx:
            assert tx.raw("SELECT count(*) FROM strange_filling").fetchone()[0] == 60 + len(written)
            assert store.last(tx, "compact")[0] == work

    def test_there_is_no_compacting_without_room(self, house, monkeypatch):
        real = figures.shutil.disk_usage
        monkeypatch.setattr(figures.shutil, "disk_usage", lambda path: real(path)._replace(free=1000))
        with pytest.raises(Problem) as refused:
            compacting.compact(house, WHO)
        assert refused.value.code == compacting.NO_SPACE
        with house.store.write(WHO) as tx:  # and the writer is free
            assert tx.writable

    def test_the_log_is_taken_in_unless_somebody_reads_an_older_state(self, house):
        _filled(house, 20)
        assert compacting.checkpoint(house) is True
        assert figures.quick(house).log == 0
        with house.store.read(WHO) as old:
            old.raw("SELECT count(*) FROM strange_filling").fetchone()
            with house.store.write(WHO) as tx:
                tx.raw("INSERT INTO strange_filling VALUES(900, 'x')")
            with house.store.engine.held() as db:
                db.execute("PRAGMA busy_timeout = 50")
            try:
                assert compacting.checkpoint(house) is False
            finally:
                with house.store.engine.held() as db:
                    db.execute("PRAGMA busy_timeout = 10000")
        assert compacting.checkpoint(house) is True


def test_postgres_compacts_beside_everybody(postgres_houses):
    house = postgres_houses.open()
    assert compacting.compact(house, WHO).state == "good"
    assert compacting.checkpoint(house) is None


def test_the_doors_begin_a_work_and_tell_its_end(house):
    practice = small_practice(house)
    owner = {"Authorization": f"Bearer {key_for(house, practice, 'owner', 'Chefin')}"}
    desk = {"Authorization": f"Bearer {key_for(house, practice, 'desk', 'Empfang')}"}
    with TestClient(build(house, main.doors(house)), base_url="http://praxis.test") as client:
        assert client.get("/api/v1/care/state", headers=desk).status_code == 403
        first = client.get("/api/v1/care/state", headers=owner).json()
        assert first["engine"] == house.store.engine.name and first["measuredAt"] is None
        begun = client.post("/api/v1/care/check", headers=owner, json={"level": "full"})
        assert begun.status_code == 202 and begun.json()["under"]["kind"] == "full"
        working_of(house).wait(30)
        after = client.get("/api/v1/care/state", headers=owner).json()
        assert after["under"]["ended"] and after["under"]["code"] == ""
        assert [(one["kind"], one["state"]) for one in after["works"]] == [("full", "good")]
        assert after["tables"] and after["measuredAt"]
        release = threading.Event()
        working_of(house).begin("full", lambda: release.wait(10))
        busy = client.post("/api/v1/care/compact", headers=owner)
        release.set()
        assert (busy.status_code, busy.json()["code"]) == (409, "care.busy")


def test_the_nightly_job_looks_in_full_once_a_week(house):
    run_job(house, jobs.CHECK)
    assert _last(house, "full").state == "good"
    house.clock.advance(86_400)
    run_job(house, jobs.CHECK)
    assert _last(house, "quick").at > _last(house, "full").at
    house.clock.advance(6 * 86_400)
    run_job(house, jobs.CHECK)
    assert _last(house, "full").at > _last(house, "quick").at


def test_the_job_compacts_only_what_is_worth_it(sqlite_houses):
    house = sqlite_houses.open()
    assert run_job(house, jobs.COMPACT).said == jobs.NOT_WORTH
    _filled(house)
    with house.store.write(WHO) as tx:
        tx.raw("DELETE FROM strange_filling")
    run = run_job(house, jobs.COMPACT)
    assert run.said is None and run.counts["megabytes"] >= 20
