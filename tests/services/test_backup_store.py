"""Tables of the backups: a document comes back as it was put, in the order asked for, also out of a real database."""

from datetime import date

from praxisd.kernel.access import INSTALLATION, system
from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept, Wrap
from praxisd.services.backups import store
from praxisd.testing.houses import Houses


def _run(number: int, state: str = "good") -> RunKept:
    return RunKept(
        id=f"r{number}",
        kind="backup",
        day=date(2026, 11, number),
        by="system",
        asked=number,
        state=state,  # type: ignore[arg-type]
        figures=Figures(1, 2, 3, 4),
        named=(("/a", "changed"),),
    )


def test_documents_come_back_in_order_and_by_their_columns(houses: Houses) -> None:
    house = houses.open()
    with house.store.write(system("test", INSTALLATION)) as tx:
        for number in (3, 1, 2):
            one = _run(number, "failed" if number == 2 else "good")
            store.RUN.put(tx, one.id, one, at=one.asked, kind=one.kind, state=one.state)
        store.RUN.put(tx, "r3", _run(3, "warning"), at=3, kind="backup", state="warning")
        assert [one.id for one in store.RUN.newest(tx, 2)] == ["r3", "r2"]
        assert [one.id for one in store.RUN.newest(tx, 5, before=3)] == ["r2", "r1"]
        assert [one.id for one in store.RUN.by(tx, "state", "good")] == ["r1"]
        assert store.RUN.get(tx, "r3") == _run(3, "warning")
        assert store.RUN.get(tx, "none") is None
        wrap = Wrap("m1", 3, "key", 5)
        store.WRAP.put(tx, "m1/3", wrap, at=5, medium="m1")
        assert store.WRAP.by(tx, "medium", "m1") == [wrap]
        store.WRAP.remove(tx, "m1/3")
        assert store.WRAP.all(tx) == []
