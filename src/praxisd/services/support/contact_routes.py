"""The contact form: who the partner is, the letter as it would leave, and sending exactly that (SPEC 7.4, seed 003)."""

import msgspec

from praxisd.kernel.access import Kind
from praxisd.kernel.sentences import actor_names
from praxisd.kernel.service import Call, EventType, Permission, Retention, Route
from praxisd.services.messaging import api as messaging
from praxisd.services.support import contact
from praxisd.services.support.contact_shapes import (
    ContactIn,
    ContactOut,
    ContactSend,
    LetterOut,
    PartnerOut,
    ReasonOut,
    SentOut,
)
from praxisd.services.support.partner import MISSING, partner
from praxisd.services.support.posting import Outcome

WRITE = "support.contact.write"
_TAGS = ("support",)
NO_MAIL = (409, "messaging.account_missing")


def read_contact(call: Call) -> ContactOut:
    """Whether the service partner can be written to

    The partner as entered in the settings, and whether an e-mail account of the practice is switched on.
    """
    with call.read() as tx:
        one = partner(call.house, tx)
        label = call.actor.label
        person = (
            actor_names(call.house, tx, [label], call.lang)[label] if call.actor.kind is Kind.USER else ""
        )
    return ContactOut(
        partner=msgspec.convert(one, PartnerOut, from_attributes=True),
        can_mail=messaging.can_mail(call.house, call.actor.organization),
        person=person,
    )


def preview_contact(call: Call) -> LetterOut:
    """The letter as it would leave

    Nothing is sent. `digest` names exactly these words: sending asks for it.
    """
    one = contact.letter(call.house, call.actor.organization, _wish(call))
    return LetterOut(to=one.to, subject=one.subject, text=one.text, digest=one.digest)


def send_contact(call: Call) -> SentOut:
    """Send the letter that was shown

    By the practice's own e-mail account. The answer says honestly what is known: sent, unsure, failed.
    """
    to, outcome = contact.send(call.house, call.actor, _wish(call), call.body.digest, call.body.once)
    return told(call, outcome, to)


def told(call: Call, outcome: Outcome, to: str) -> SentOut:
    """What became of a mail, in words."""
    reason = None
    if outcome.code is not None:
        words = {
            part: call.house.texts.get(f"{outcome.code}.{part}", call.lang)
            for part in ("title", "cause", "solution")
        }
        reason = ReasonOut(code=outcome.code, **words)
    return SentOut(state=outcome.state, to=to, reason=reason, detail=outcome.detail or None)


def _wish(call: Call) -> contact.Wish:
    body: ContactIn = call.body
    return contact.Wish(
        issue=None if body.issue is None else (body.issue.code, body.issue.subject),
        text=body.text,
        person=body.person,
        phone=body.phone,
        lang=call.lang,
    )


PROBLEMS = (MISSING, contact.CHANGED, contact.GONE)
EVENTS = (
    EventType("support.contacted", Retention.AUDIT),
    EventType("support.mail_failed", Retention.ACTIVITY, alert=True),
)
PERMISSIONS = (Permission(WRITE, ("owner", "desk")),)
_NO_LETTER = ((409, MISSING), (409, contact.GONE))
ROUTES = (
    Route("GET", "/support/contact", "supportContact.read", read_contact, WRITE, ContactOut, safe=True, tags=_TAGS),
    Route(
        "POST", "/support/contact/preview", "supportContact.preview", preview_contact, WRITE, LetterOut, body=ContactIn,
        transaction=False, problems=_NO_LETTER, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/support/contact", "supportContact.send", send_contact, WRITE, SentOut, body=ContactSend,
        transaction=False, problems=(*_NO_LETTER, (409, contact.CHANGED), NO_MAIL), safe=True, tags=_TAGS,
    ),
)  # fmt: skip
