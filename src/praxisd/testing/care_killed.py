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
from praxisd.kernel.engines import Conflict
from praxisd.kernel.errors import Problem
from praxisd.services.care import moving, postgres_store, steps

_NOTED = (
    "INSERT INTO kernel_cursor(organization, name, seq, updated_at) VALUES('care', 'written:{0}', {0}, 0)"
)
_READ = "SELECT seq FROM kernel_cursor WHERE organization = 'care' ORDER BY seq"
WHO = system("care_killed")


def opened(folder: Path, step: str = "") -> House:
    """As a start does it: what was cut off is settled first."""
    trial = {steps.TRIAL: steps.STEPS.index(step) + 1} if step in steps.STEPS else {}
    config = Config(development=True, trial=trial, log_level="error")
    main.finish_moves(folder, config, begin=False)
    return main.open_practice(folder, config)


def numbers(house: House) -> list[int]:
    """What is in the database."""
    with house.store.read(WHO) as tx:
        return [int(row[0]) for row in tx.raw(_READ).fetchall()]


def write(house: House, stop: threading.Event) -> None:
    """One short transaction after the other, each told once it is committed."""
    number = max(numbers(house), default=0)
    while not stop.is_set():
        number += 1
        try:
            with house.store.write(WHO) as tx:
                tx.raw(_NOTED.format(number))
        except (Conflict, Problem):  # it waited for too long, or was told to go to another database
            number -= 1
            continue
        print(number, flush=True)
        stop.wait(0.002)


def work(folder: Path, to: str, step: str) -> None:
    """Write, move, and be killed perhaps."""
    house = opened(folder, step)
    stop = threading.Event()
    writer = threading.Thread(target=write, args=(house, stop))
    writer.start()
    try:
        how = postgres_store.move if to.startswith("postgresql") else moving.move
        how(house, WHO, to, progress=lambda _done, _total: None, stop=lambda: False)
        stop.wait(0.2)
    finally:
        stop.set()
        writer.join()
        house.stop()


if __name__ == "__main__":
    work(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
