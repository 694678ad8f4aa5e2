"""A moved database and backups: what comes back comes to the new place, and the way back of that as well."""

from praxisd.kernel import database_at, engines
from praxisd.kernel.access import system
from praxisd.services.backups.restoring import restoring, working
from praxisd.services.backups.runs import running
from praxisd.services.care import journal, moving

from .backup_restoring_cast import again, backed_up, wanted, words
from .backups_scene import SYSTEM


def test_praxisds_own_data_come_back_to_where_the_database_was_moved(sqlite_houses, tmp_path):
    house = sqlite_houses.open()
    first = house.store.engine.path
    _, state = backed_up(house, tmp_path)
    to = tmp_path / "Neue Platte"
    moving.move(house, system("care"), str(to), progress=lambda _done, _all: None, stop=lambda: False)
    assert words(house) == ["later", "nas"]
    run = working.begin(house, SYSTEM, wanted(state), "user:owner")
    assert running.run_now(house, run.id, stop=lambda: False).code == restoring.PENDING
    house = again(sqlite_houses, house)
    assert words(house) == ["nas"] and house.store.engine.path == to / "praxisd.db"
    assert database_at.is_stone(first) and journal.known(house.folder).phase == "done"
    working.undo(house, SYSTEM, "user:owner")
    house = again(sqlite_houses, house)
    assert words(house) == ["later", "nas"]
    assert engines.sqlite_file(None, house.folder) == to / "praxisd.db"
