"""A process to be killed while it moves its database: `python -m praxisd.testing.care_killed <folder> <to> <step>`.

It writes all the while, and prints each number once it is committed. At the step of that name (`services.care.steps`) it
kills itself, as a pulled plug would; with a step of no name it moves to the end.
"""

import sys
import threading
from pathlib import Path

from praxisd import main
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.config import Config
from praxisd.services.care import moving, steps

TABLE = "CREATE TABLE IF NOT EXISTS strange_writing(number INTEGER PRIMARY KEY, what TEXT)"
WHO = system("care_killed")


def opened(folder: Path, step: str = "") -> House:
    """As a start does it: what was cut off is settled first."""
    trial = {steps.TRIAL: steps.STEPS.index(step) + 1} if step in steps.STEPS else {}
    config = Config(development=True, trial=trial, log_level="error")
    main.exchange(folder, config, begin=False)
    house = main.open_practice(folder, config)
    with house.store.write(WHO) as tx:
        tx.raw(TABLE)
    return house


def numbers(house: House) -> list[int]:
    """What is in the database."""
    with house.store.read(WHO) as tx:
        return [
            int(row[0]) for row in tx.raw("SELECT number FROM strange_writing ORDER BY number").fetchall()
        ]


def write(house: House, stop: threading.Event) -> None:
    """One short transaction after the other, each told once it is committed."""
    number = max(numbers(house), default=0)
    while not stop.is_set():
        number += 1
        with house.store.write(WHO) as tx:
            tx.raw("INSERT INTO strange_writing VALUES(?, ?)", (number, "x" * 300))
        print(number, flush=True)
        stop.wait(0.002)


def work(folder: Path, to: Path, step: str) -> None:
    """Write, move, and be killed perhaps."""
    house = opened(folder, step)
    stop = threading.Event()
    writer = threading.Thread(target=write, args=(house, stop))
    writer.start()
    try:
        moving.move(house, WHO, str(to), progress=lambda _done, _total: None, stop=lambda: False)
        stop.wait(0.2)
    finally:
        stop.set()
        writer.join()
        house.stop()


if __name__ == "__main__":
    work(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
