"""Writing to the service partner: what is written, and what became of it. Nothing leaves without a person's click.

The letter is shown first; sending asks for the digest of what was shown, so that no other word can leave (SPEC 7.4).
"""

import socket
from typing import TYPE_CHECKING

import msgspec

from praxisd import __version__
from praxisd.kernel import events, issues
from praxisd.kernel.access import INSTALLATION, Actor, system
from praxisd.kernel.errors import Problem
from praxisd.kernel.issues_words import information
from praxisd.kernel.store import Tx
from praxisd.services.diagnosis import api as diagnosis
from praxisd.services.directory import api as directory
from praxisd.services.support.contact_text import Letter, write
from praxisd.services.support.partner import Partner, address_of, partner
from praxisd.services.support.posting import Mail, Outcome, post

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.issues import Issue

CHANGED, GONE = "support.contact_changed", "support.issue_gone"


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wants to write: about which open issue (code, subject) or none, the words, and whom to call back."""

    issue: tuple[str, str] | None
    text: str
    person: str
    phone: str
    lang: str


def letter(house: "House", organization: str, wish: Wish) -> Letter:
    """The letter as it would leave now.

    Problems: `support.partner_missing` (409), `support.issue_gone` (409: healed meanwhile).
    """

    def say(key: str) -> str:
        return house.texts.get(f"support.letter.{key}", wish.lang)

    products = _products(house)
    with house.store.read(system("support", organization)) as tx:
        whom = partner(house, tx)
        to = address_of(whom)
        issue = None if wish.issue is None else _open(tx, *wish.issue)
        about, facts = "", _facts(house, tx, whom, wish.lang)
        if issue is not None:
            about = issues.explain(house, issue, wish.lang)["title"]
            facts = information(house, tx, issue, wish.lang)
    shown = [facts, f"{say('products')}: {products}" if products else ""]
    return write(
        say,
        to=to,
        about=about,
        customer=whom.customer,
        text=wish.text,
        person=wish.person.strip(),
        phone=wish.phone.strip(),
        facts=shown,
    )


def _open(tx: Tx, code: str, subject: str) -> "Issue":
    """The open issue of the practice or of the installation."""
    for organization in (tx.organization, INSTALLATION):
        practice, tx.organization = tx.organization, organization
        try:
            for one in issues.list_open(tx):
                if (one.code, one.subject) == (code, subject):
                    return one
        finally:
            tx.organization = practice
    raise Problem(GONE, 409)


def _facts(house: "House", tx: Tx, whom: Partner, lang: str) -> str:
    """What a service partner asks first, where it is about no issue."""
    lines = (
        ("version", f"praxisd {__version__}"),
        ("practice", directory.organization(tx).name),
        ("customer", whom.customer),
        ("instance", house.config.instance),
        ("host", socket.gethostname()),
    )
    return "\n".join(
        f"{house.texts.get(f'issues.information.{key}', lang)}: {value}" for key, value in lines if value
    )


def _products(house: "House") -> str:
    """The practice software by its names."""
    known = diagnosis.products(house)
    with house.store.read(system("support")) as tx:
        used = [one.product for one in diagnosis.software(tx)]
    return ", ".join(dict.fromkeys(known[one].name if one in known else one for one in used))


def send(house: "House", actor: Actor, wish: Wish, shown: str, once: str) -> tuple[str, Outcome]:
    """Send the letter whose digest was shown: to whom, and what became of it. `once` is the click's own id.

    Problems: as `letter`; `support.contact_changed` (409) where other words would leave; `messaging.account_missing` (409).
    """
    ready = letter(house, actor.organization, wish)
    if ready.digest != shown:
        raise Problem(CHANGED, 409)
    about = wish.issue[0] if wish.issue else None
    mail = Mail(once=once, bundle="", to=ready.to, subject=ready.subject, text=ready.text, lang=wish.lang)
    outcome = post(
        house, actor, mail, lambda tx, end: note(tx, end, "support.contacted", "Letter", "partner", about)
    )
    return ready.to, outcome


def note(tx: Tx, outcome: Outcome, type_: str, kind: str, id_: str, about: str | None = None) -> None:
    """The event of a mail that left or may have left, or the one that says it did not."""
    name = "support.mail_failed" if outcome.state == "failed" else type_
    events.note(tx, name, kind, id_, outcome=outcome.state, reason=outcome.code, about=about)
