"""The number by which a practice is known at the vendor of its software: each practice has its own.

Practice software belongs to the installation. Its ServiceProvider is told the number of the only practice; where several
work on one server nobody knows whose it would be, and the software must name its own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.service import Scope, Setting
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

KEY = "diagnosis.customer_number"
SETTINGS = (Setting(KEY, str, "", Scope.ORGANIZATION, high=40),)


@dataclass(frozen=True, slots=True)
class OnlyNumber:
    """What practice software without a number of its own is known by: "" unknown. `several` practices have none in common."""

    number: str
    several: bool


def customer_number(house: "House", tx: Tx) -> str:
    """The number of the transaction's practice; "" where none is entered."""
    return str(house.settings.get(tx, KEY)).strip()


def only_number(house: "House") -> OnlyNumber:
    """That of the one practice of this installation."""
    with house.store.read(system("diagnosis")) as tx:
        practices = directory.organization_ids(tx)
    if len(practices) != 1:
        return OnlyNumber("", several=len(practices) > 1)
    with house.store.read(system("diagnosis", practices[0])) as tx:
        return OnlyNumber(customer_number(house, tx), several=False)
