"""The spool of the log: nothing is lost, numbers only grow, and what is too much is counted."""

import os
import threading
import time
from pathlib import Path

from praxisd_client.spool import Spool


def test_entries_come_back_in_order_and_survive_the_program(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    numbers = [spool.put({"code": f"c{n}"}) for n in range(5)]
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    spool.close()
    again = Spool(tmp_path / "spool.db")
    assert [(one["seq"], one["code"]) for one in again.batch()] == [
        (n, f"c{i}") for i, n in enumerate(numbers)
    ]
    again.done(numbers[:2])
    assert [one["seq"] for one in again.batch()] == numbers[2:]
    assert again.put({"code": "later"}) == numbers[-1] + 1
    assert os.stat(tmp_path / "spool.db").st_mode & 0o77 == 0


def test_a_lost_file_does_not_use_numbers_again(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    last = [spool.put({"code": "c"}) for _ in range(50)][-1]
    spool.close()
    for one in tmp_path.iterdir():
        one.unlink()
    time.sleep(0.001)
    fresh = Spool(tmp_path / "spool.db")
    assert last < fresh.put({"code": "c"}) < 2**53


def test_the_oldest_give_way_and_are_counted() -> None:
    spool = Spool(most=100)
    numbers = [spool.put({"code": "c"}) for _ in range(150)]
    kept = [one["seq"] for one in spool.batch(200)]
    assert kept == numbers[-len(kept) :] and len(kept) <= 100
    assert spool.take_dropped() == 150 - len(kept)
    assert spool.take_dropped() == 0


def test_a_batch_fits_into_one_message() -> None:
    spool = Spool()
    for _ in range(20):
        spool.put({"code": "c", "text": "ä" * 2_000})
    batch = spool.batch(most_bytes=48_000)
    assert 8 <= len(batch) <= 12
    alone = Spool()
    alone.put({"text": "x" * 60_000})
    assert len(alone.batch(most_bytes=48_000)) == 1


def test_many_threads_and_two_programs_share_a_file(tmp_path: Path) -> None:
    both = [Spool(tmp_path / "spool.db") for _ in range(2)]
    found: list[int] = []

    def write(spool: Spool) -> None:
        for _ in range(50):
            found.append(spool.put({"code": "c"}))

    threads = [threading.Thread(target=write, args=(spool,)) for spool in both for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(set(found)) == 200
    assert sorted(one["seq"] for one in both[0].batch(300, 1 << 20)) == sorted(found)
