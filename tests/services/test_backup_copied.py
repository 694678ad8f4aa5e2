"""A data folder made by hand of a copy, as the recovery sheet says: nobody writes to patients before a person has looked."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from praxisd import main
from praxisd.kernel import job_plan, jobs
from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.services.backups.restoring import after, exchange, working
from praxisd.services.backups.sources.own import COPIED, own_sources
from praxisd.testing.engine_suite import never, quiet
from praxisd.testing.houses import Houses
from praxisd.testing.practice import small_practice


def enabled(house: House, organization: str) -> set[str]:
    with house.store.read(system("test", organization)) as tx:
        return {one for one in after.PAUSED if jobs.get_job(house, tx, one).enabled}


def test_what_writes_to_patients_waits(
    sqlite_houses: Houses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = sqlite_houses.open()
    practice = small_practice(house).organization
    job_plan.Planner(house).step()
    with house.store.write(system("test", practice)) as tx:
        jobs.change(house, tx, "messaging.send", enabled=True)
        jobs.change(house, tx, "reminders.prepare", enabled=False)
        jobs.change(house, tx, "reminders.birthdays", enabled=False)
    database, own = own_sources(house)
    for number, one in enumerate((database, own)):
        (tmp_path / str(number)).mkdir()
        one.stage(tmp_path / str(number), progress=quiet, stop=never)
    house.stop()
    assert not (house.folder / COPIED).exists()
    folder = tmp_path / "praxisd-data"
    shutil.copytree(tmp_path / "1" / "data", folder)
    shutil.copy(tmp_path / "0" / "praxisd.db", folder)

    found = main.open_practice(folder, house.config)
    real = exchange.mark

    def cut(there: Path, **fields: Any) -> None:
        real(there, **fields)
        if fields.get("told"):
            raise KeyboardInterrupt

    try:
        with monkeypatch.context() as patch:
            patch.setattr(exchange, "mark", cut)
            with pytest.raises(KeyboardInterrupt):
                main.moves_finished(found)
        assert not (folder / COPIED).exists(), "what is noted is not noted a second time after a cut"
        main.moves_finished(found)
        assert enabled(found, practice) == set() and not (folder / COPIED).exists()
        assert [(one.code, one.severity.value) for one in after.look(found)] == [(after.BY_HAND, "warning")]
        assert "{" not in str(
            [found.texts.get(f"{after.BY_HAND}.{part}", "de", taken="x") for part in ("title", "cause")]
        )
        assert working.state(found).phase == "none" and exchange.undoable(folder) is None
        main.moves_finished(found)
        assert len(list(after.look(found))) == 1
        after.seen(found)
        assert enabled(found, practice) == {"messaging.send"} and list(after.look(found)) == []
        main.moves_finished(found)
        assert enabled(found, practice) == {"messaging.send"}
    finally:
        found.stop()
