"""A mail that a person sends by the practice's own account to somebody who is no patient: the service partner.

It goes out at once and leaves no row: whoever asks learns what became of it, and keeps that.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.ids import new_id
from praxisd.services.messaging import account_store, accounts
from praxisd.services.messaging.channel import Accepted, Lost, Outgoing, Refused
from praxisd.services.messaging.channels.mail_writing import Attachment

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.services.messaging.channels.smtp import Smtp

PATIENCE_S = 60
"""When the permission to send ends: a person waits for the answer."""


def can_mail(house: "House", organization: str) -> bool:
    """True if the practice has an e-mail account that is switched on and can be opened."""
    try:
        _opened(house, organization)
    except Problem:
        return False
    return True


def send_mail(
    house: "House",
    organization: str,
    to: str,
    subject: str,
    text: str,
    attachments: Sequence[Attachment] = (),
    language: str = "de",
) -> Accepted | Refused | Lost:
    """Hand one mail in, outside of any transaction. Never sent twice: `Lost` means that nobody knows.

    Problem `messaging.account_missing` (409) where no e-mail account is set up and switched on.
    """
    channel, now = _opened(house, organization), house.clock.now()
    message = Outgoing(
        id=new_id(), to=to, text=text, subject=subject, language=language, before=now + PATIENCE_S, useless_after=now + 3_600,
    )  # fmt: skip
    return channel.hand_in(message, by_person=True, attachments=attachments)


def _opened(house: "House", organization: str) -> "Smtp":
    from praxisd.services.messaging.channels.smtp import Smtp  # what only those load who send

    with house.store.read(system("mail", organization)) as tx:
        row = account_store.get(tx, "email")
        if row is None or not row.active:
            raise Problem("messaging.account_missing", 409)
        channel = accounts.opened(house, tx, row).channel
    if not isinstance(channel, Smtp):
        raise Problem("messaging.account_missing", 409)
    return channel
