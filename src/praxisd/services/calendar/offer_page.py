"""The page on which a patient answers an offer of the waiting list: opened by whoever has the link, without signing in.

It names time, type and practice, never a person. To look changes nothing (programs that fetch links in messages do so);
the answer is a form that is sent. The part of the address nobody can guess is kept as its digest alone.
"""

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from praxisd.kernel.access import system
from praxisd.kernel.answer_page import MEDIA_TYPE, answer_page, spoken
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Raw, Route
from praxisd.kernel.store import Tx
from praxisd.services.calendar import offers, waiting_store
from praxisd.services.calendar.view import views
from praxisd.services.calendar.waiting_store import Offer
from praxisd.services.directory import api as directory

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OPEN = "the link itself is the secret: 256 random bits in a message to the patient, good for one answer, kept only as digest"
_ACTOR = "calendar.offer"
_MOST_BYTES = 2_048


def look(call: Call) -> Raw:
    """The offered time, and two buttons while it can be answered."""
    found = _found(call)
    if found is None:
        return _unknown(call)
    organization, one = found
    with call.house.store.read(system(_ACTOR, organization)) as tx:
        return _page(call.house, tx, one, "open" if _answerable(tx, one) else one.state)


def answer(call: Call) -> Raw:
    """The patient's answer: `answer=accept` books the time if nobody was faster, `answer=decline` lets it go."""
    found = _found(call)
    if found is None:
        return _unknown(call)
    organization, one = found
    body = call.body if isinstance(call.body, bytes) and len(call.body) <= _MOST_BYTES else b""
    said = parse_qs(body.decode("ascii", "replace")).get("answer", [""])[0]
    actor = system(_ACTOR, organization)
    if said in ("accept", "decline"):
        take = offers.accept_offer if said == "accept" else offers.decline_offer
        try:
            call.house.store.run(actor, lambda tx: take(call.house, tx, one.id))
        except Problem as problem:
            if problem.status >= 500:
                raise
            said = "gone"
    with call.house.store.read(actor) as tx:
        now = waiting_store.offer(tx, one.id) or one
        state = "gone" if said == "gone" else now.state
        return _page(call.house, tx, now, state)


def _found(call: Call) -> tuple[str, Offer] | None:
    """By the digest of the secret part: whatever is asked for costs the same look into one index."""
    digest = hashlib.sha256(call.path["token"].encode()).hexdigest()
    with call.house.store.read(system(_ACTOR)) as tx:
        return waiting_store.offer_by_digest(tx, digest)


def _answerable(tx: Tx, one: Offer) -> bool:
    entry = waiting_store.entry(tx, one.entry)
    return one.state == "open" and one.start > tx.now and entry is not None and entry.state == "waiting"


def _unknown(call: Call) -> Raw:
    text = call.house.texts
    words = [
        text.get("calendar.offer_page.unknown", call.lang),
        text.get("calendar.offer_page.call", call.lang),
    ]
    return answer_page(call.lang, text.get("calendar.offer_page.title", call.lang), words, status=404)


def _page(house: "House", tx: Tx, one: Offer, state: str) -> Raw:
    entry = waiting_store.entry(tx, one.entry)
    patient = directory.patient(tx, entry.patient) if entry is not None else None
    practice, text = directory.organization(tx), house.texts
    lang = spoken(text, None if patient is None else patient.language, practice.language)
    calendar = views(house).calendar(tx)
    service = calendar.services.get(one.service)
    begin = datetime.fromtimestamp(one.start, calendar.almanac.zone)
    when = text.get(
        "calendar.offer_page.when",
        lang,
        weekday=text.get(f"calendar.offer_page.weekday_{begin.isoweekday()}", lang),
        day=begin.day,
        month=f"{begin.month:02d}",
        year=begin.year,
        time=f"{begin:%H:%M}",
    )
    state = state if state in ("open", "accepted", "declined") else "gone"
    words = [practice.name, when, service.name if service else ""]
    words.append(text.get(f"calendar.offer_page.{state}", lang))
    words.append(text.get("calendar.offer_page.call", lang) if state == "gone" else "")
    names = ("accept", "decline") if state == "open" else ()
    buttons = [(name, text.get(f"calendar.offer_page.{name}", lang)) for name in names]
    return answer_page(lang, text.get("calendar.offer_page.title", lang), words, buttons, when=when)


ROUTES = tuple(
    Route(
        method, "/offers/{token}", name, call, None,
        why_open=OPEN, problems=((404, "http.not_found"),), media_type=MEDIA_TYPE, transaction=False, raw=True,
        tags=("waiting",),
    )
    for method, name, call in (("GET", "offer.look", look), ("POST", "offer.answer", answer))
)  # fmt: skip
