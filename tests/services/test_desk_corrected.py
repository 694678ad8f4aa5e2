"""Booking desk: a portal's id means one booking for ever, also when the patient corrects the name there."""

import msgspec
import pytest
from tests.services.desk_cast import Desk, desk_of
from tests.services.test_desk_changes import accept

from praxisd.kernel.app import House
from praxisd.model.portals import Told
from praxisd.services.calendar import api as calendar


def corrected(desk: Desk) -> Told:
    """Who was told of, under another family name."""
    return msgspec.structs.replace(desk.booking().told, family="Beispiel-Neu")


@pytest.mark.parametrize("decided", [False, True])
def test_a_corrected_name_is_no_second_booking(house: House, decided: bool) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    if decided:
        accept(desk)
    status = desk.appointment().status
    desk.take(desk.booking(told=corrected(desk)))
    desk.handle()
    one = desk.only()
    assert (one.told.family, one.reason) == ("Beispiel-Neu", "portals.person_changed")
    assert desk.appointment().status == status
    with house.store.read(desk.actor) as tx:
        assert calendar.open_conflicts(tx) == []
    desk.take(desk.booking(told=corrected(desk)))
    assert desk.only().version == one.version, "told once"


@pytest.mark.parametrize("decided", [False, True])
def test_a_cancellation_counts_under_whatever_name(house: House, decided: bool) -> None:
    desk = desk_of(house)
    desk.take(desk.booking())
    if decided:
        accept(desk)
    desk.take(desk.booking(told=corrected(desk), cancelled=True))
    desk.handle()
    assert (desk.only().state, desk.appointment().status) == ("withdrawn", "cancelled")
