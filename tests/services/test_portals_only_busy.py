"""Nothing but Busy(start, end) is handed to an adapter's upload: by its type, and by what is seen while patients come and go.

The bytes on the wire are another test's matter; here it is what an adapter could send at all.
"""

import inspect
import typing
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from praxisd.kernel.app import House
from praxisd.model.people import PatientClaim
from praxisd.model.scheduling import Busy
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.portals import portal as contract
from praxisd.testing.houses import START

from .portals_cast import DAY, Stage, Wire, in_memory, stage_of

CANARIES = ("Kanari", "Vogel", "1977-07-07", "4930777", "kanari@post.example", "Gelbsucht")


@pytest.fixture
def stage(house: House) -> Iterator[Stage]:
    found = stage_of(house)
    with in_memory(found.world):
        yield found


def test_the_types_have_no_place_for_anything_else() -> None:
    assert Busy.__struct_fields__ == ("start", "end")
    assert typing.get_type_hints(Busy) == {"start": int, "end": int}
    hints = typing.get_type_hints(contract.Portal.upload)
    assert hints == {
        "calendar": str, "period": contract.Period, "busy": Sequence[Busy], "before": float, "return": int,
    }  # fmt: skip
    assert set(contract.Period.__dataclass_fields__) == {"start", "end"}
    assert set(contract.Account.__dataclass_fields__) == {"id", "values", "zone"}
    offered = inspect.signature(contract.Portal.offer).parameters
    assert list(offered) == ["self", "calendar", "times", "before"]


def test_what_adapters_are_given_while_patients_come_and_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    for name in ("period", "upload", "hours", "fetch", "blockers", "names"):
        whole = getattr(Wire, name)

        def seen(self: Any, *args: Any, _whole: Any = whole) -> Any:
            given.append(args)
            return _whole(self, *args)

        monkeypatch.setattr(Wire, name, seen)
    told = PatientClaim(
        family="Kanari",
        given="Vogel",
        birth_date="1977-07-07",
        phone="+4930777123",
        email="kanari@post.example",
    )
    patient = stage.run(lambda tx: directory.claim(tx, told).patient)
    portal = stage.portal()
    stage.link(portal)
    wish = calendar.Wish(
        service=stage.practice.check, start=START + DAY, patient=patient, note="Gelbsucht",
        schedules=stage.practice.doctors[:1],
    )  # fmt: skip
    made = stage.run(lambda tx: calendar.book(stage.house, tx, wish))
    stage.run(
        lambda tx: calendar.add_reservation(
            stage.house, tx, title="Kanari operieren", schedules=stage.practice.doctors, start=START + 2 * DAY,
            end=START + 2 * DAY + 3_600, note="Gelbsucht",
        )
    )  # fmt: skip
    stage.cycle(portal)
    stage.run(lambda tx: calendar.cancel(stage.house, tx, made.id, "Gelbsucht"))
    stage.handle()
    stage.wait(portal.interval)
    stage.cycle(portal)
    uploads = [args for args in given if len(args) == 4]
    assert [len(args[2]) for args in uploads] == [2, 1]
    assert {type(one) for args in uploads for one in args[2]} == {Busy}
    accounts = [(one.id, sorted(one.values), one.zone) for one in stage.world.given]
    everything = repr((given, accounts))
    assert [word for word in (*CANARIES, made.id, patient) if word in everything] == []
