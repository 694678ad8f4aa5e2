"""What begins with the server: editions are judged before they are switched to, and their indexes are made ready."""

from typing import TYPE_CHECKING

from praxisd.services.medication import finding_warming, sets_reading

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def start(house: "House") -> None:
    """With the server."""
    sets_reading.start(house)
    finding_warming.start(house)
