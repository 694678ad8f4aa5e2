"""What the calendar does when something happens elsewhere."""

from typing import TYPE_CHECKING

from praxisd.kernel.events import Event
from praxisd.services.calendar.view import touch

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx


def organization_changed(house: "House", tx: "Tx", _event: Event) -> None:
    """Time zone or region may be another: every kept answer and bitmap is out of date. Idempotent."""
    touch(house, tx)
