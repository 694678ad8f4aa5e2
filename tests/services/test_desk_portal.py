"""The booking desk and a real portal program: another time proposed, answered by the patient on the portal's own page."""

import pytest
from tests.services.test_portals_sandbox import (  # the fixtures are taken over as they are
    DAY,
    NAME,
    Patient,
    Running,
    Stage,
    linked,
    sandbox,
    set_up,
    stage,
)

from praxisd.services.portals import deciding, store
from praxisd.testing.houses import START

__all__ = ("sandbox", "stage")


@pytest.mark.parametrize(("yes", "state"), [(True, "accepted"), (False, "withdrawn")])
def test_a_proposal_is_answered_at_the_portal(stage: Stage, sandbox: Running, yes: bool, state: str) -> None:
    portal = set_up(stage, "two_way", sandbox.url)
    linked(stage, portal)
    stage.cycle(portal)
    (service,) = sandbox.board.calendar(NAME).services[:1]
    free = sandbox.board.free(NAME, service, START + DAY, START + 2 * DAY)
    made = sandbox.board.book(
        NAME, service.name, free[0], Patient("Beispiel", "Vera", "1980-02-03", "+4930200100")
    )
    stage.wait(portal.interval)
    stage.cycle(portal)
    (one,) = stage.read(store.REQUESTS.all)
    stage.run(lambda tx: deciding.propose(stage.house, tx, deciding.need(tx, one.id), free[-1]))
    stage.handle()
    stage.wait(portal.interval)
    stage.cycle(portal)
    assert sandbox.board.booking(made.id).state == "proposed"
    assert stage.read(store.REQUESTS.all)[0].state == "asked"
    sandbox.board.decide(made.id, yes)
    for _ in range(2):
        stage.wait(portal.interval)
        stage.cycle(portal)
        stage.handle()
    (one,) = stage.read(store.REQUESTS.all)
    assert one.state == state
    shown = sandbox.board.booking(made.id)
    assert shown.state == ("confirmed" if yes else "cancelled")
    if yes:
        assert one.start == free[-1] == shown.start
