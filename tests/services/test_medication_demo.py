"""The lists of the sample practice: two with interactions, one free text, one allergy that a product meets; no more, no less."""

from datetime import date

import pytest

from praxisd import main
from praxisd.demo import running, taking
from praxisd.kernel.access import Actor, Kind, system
from praxisd.kernel.clock import FrozenClock
from praxisd.kernel.config import load
from praxisd.kernel.control import owning
from praxisd.services.directory import api as directory
from praxisd.services.medication import api, checking, sets_reading
from praxisd.services.medication.check_shapes import CheckIn
from praxisd.testing import medication

TODAY = date(2026, 11, 27)


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "data"
    folder.mkdir()
    with owning(folder):
        running.prepare(folder, None, TODAY, "de")
        house = main.open_practice(folder, load(None, folder), FrozenClock(1_795_766_400))
        try:
            with house.store.read(system("test")) as tx:
                (organization,) = directory.organization_ids(tx)
            yield house, Actor(Kind.CLI, "test", organization, everything=True)
        finally:
            house.store.close()


def test_forty_lists_of_which_four_are_special(filled):
    house, actor = filled
    with house.store.read(actor) as tx:
        everyone = [one.id for one in directory.everyone(tx)]
        having = [id_ for id_ in everyone if api.statements(tx, [id_])]
        assert len(having) == taking.COUNT
        lines = api.statements(tx, everyone)
        assert [one.text for one in lines if one.product is None] == [taking.FREE[0][0]]
        assert [one.condition for one in api.risks(tx, everyone)] == [taking.ALLERGY]
    with pytest.raises(Exception, match=r"medication\.unconfirmed"), house.store.read(actor) as tx:
        checking.check(house, tx, CheckIn(), None, "de")
    medication.confirm(house, actor)
    assert sets_reading.open_set(house, "medication").sample
    kinds = []
    with house.store.read(actor) as tx:
        for id_ in having:
            found = checking.check(house, tx, CheckIn(), id_, "de")
            kinds += [(one.kind, one.source is not None) for one in found.findings if one.kind != "dental"]
    assert sorted(kinds) == [("contraindication", True), ("interaction", True), ("interaction", True)]
