"""Who the service partner of a practice is, and by what number the practice is known there (settings)."""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.kernel.mail_address import address
from praxisd.kernel.service import Setting
from praxisd.kernel.store import Tx
from praxisd.services.diagnosis import api as diagnosis

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME, EMAIL, PHONE = "support.partner_name", "support.partner_email", "support.partner_phone"
MISSING = "support.partner_missing"
_ADDRESS_MOST = 254


def _check_address(value: str) -> None:
    """Empty, or an address mail can be sent to."""
    if value:
        try:
            address(value)
        except ValueError:
            raise Problem(
                "settings.invalid", 422, key=EMAIL, reason="address", low=0, high=_ADDRESS_MOST
            ) from None


class Partner(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """The service partner as the practice has entered him; `customer` is the practice's number there. Each may be empty."""

    name: str
    email: str
    phone: str
    customer: str


def partner(house: "House", tx: Tx) -> Partner:
    """The partner of the transaction's practice."""
    get = house.settings.get
    return Partner(
        name=str(get(tx, NAME)).strip(),
        email=str(get(tx, EMAIL)).strip(),
        phone=str(get(tx, PHONE)).strip(),
        customer=diagnosis.customer_number(house, tx),
    )


def address_of(one: Partner) -> str:
    """Where mail to the partner goes; Problem `support.partner_missing` (409)."""
    if not one.email:
        raise Problem(MISSING, 409)
    return address(one.email)


SETTINGS = (
    Setting(NAME, str, "", low=0, high=120),
    Setting(EMAIL, str, "", low=0, high=_ADDRESS_MOST, check=_check_address),
    Setting(PHONE, str, "", low=0, high=40),
)
