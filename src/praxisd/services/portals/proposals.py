"""The open page on which a patient answers a proposed time: no name on it, an address nobody can guess, works once.

A small page without script. Whatever is wrong with the address, the answer is the same 404 at the same price.
"""

from datetime import datetime
from urllib.parse import parse_qs

from praxisd.kernel.access import system
from praxisd.kernel.answer_page import MEDIA_TYPE, answer_page, spoken
from praxisd.kernel.clock import zone
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Raw, Route
from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest
from praxisd.services.directory import api as directory
from praxisd.services.messaging import api as messaging
from praxisd.services.portals import deciding, desk_keys, requests_store

OPEN = "patients have no access data: the unguessable address, which only the one who was asked has, says who answers"
_WHO = "portals.proposal"
_MOST = 1_000
"""Octets of an answer."""


def _whose(call: Call) -> tuple[str, str] | None:
    with call.house.store.read(system(_WHO)) as tx:
        return requests_store.of_answer(tx, desk_keys.digest(call.path["token"]))


def _asked(tx: Tx, one: BookingRequest | None) -> bool:
    return one is not None and one.state == "asked" and (one.until or 0) > tx.now


def _over(call: Call) -> Raw:
    """There is nothing to answer under this address, or not any more."""
    texts = call.house.texts
    heading, sentence = (
        texts.get(f"portals.proposal_page.{part}", call.lang) for part in ("heading", "over")
    )
    return answer_page(call.lang, heading, (sentence,), status=404)


def show(call: Call) -> Raw:
    """The proposed time, with yes and no."""
    found = _whose(call)
    if found is None:
        return _over(call)
    with call.house.store.read(system(_WHO, found[0])) as tx:
        one = requests_store.get(tx, found[1])
        return _page(call, tx, one, "asks") if one is not None and _asked(tx, one) else _over(call)


def answer(call: Call) -> Raw:
    """The patient's yes or no. A second answer finds nothing to decide any more."""
    found = _whose(call)
    body = call.body or b""
    said = parse_qs(body.decode("utf-8", "replace")).get("answer", [""])[0] if len(body) <= _MOST else ""
    if found is None or said not in ("yes", "no"):
        return _over(call)

    def work(tx: Tx) -> Raw:
        one = requests_store.lock(tx, found[1])
        if one is None or not _asked(tx, one):
            return _over(call)
        shown = _page(call, tx, one, "accepted" if said == "yes" else "declined")
        deciding.answered(call.house, tx, one, said == "yes")
        return shown

    try:
        return call.house.store.run(system(_WHO, found[0]), work)
    except Problem:  # what was proposed is not there any more
        return _over(call)


def _page(call: Call, tx: Tx, one: BookingRequest, part: str) -> Raw:
    practice, texts = directory.organization(tx), call.house.texts
    wished = None if one.patient is None else messaging.language_for(tx, one.patient)
    language = spoken(texts, wished, practice.language)
    here = zone(practice.zone)
    time, until = (
        messaging.moment(datetime.fromtimestamp(at or 0, here), messaging.language_of(language, language))
        for at in (one.start, one.until)
    )
    said = texts.get(f"portals.proposal_page.{part}", language, time=time, until=until)
    names = ("yes", "no") if part == "asks" else ()
    buttons = [(name, texts.get(f"portals.proposal_page.{name}", language)) for name in names]
    heading = texts.get("portals.proposal_page.heading", language)
    return answer_page(language, heading, (practice.name, said), buttons)


ROUTES = tuple(
    Route(
        method, "/proposals/{token}", name, function, None, why_open=OPEN, problems=((404, "http.not_found"),),
        media_type=MEDIA_TYPE, transaction=False, raw=True, tags=("booking desk",),
    )
    for method, name, function in (("GET", "proposals.show", show), ("POST", "proposals.answer", answer))
)  # fmt: skip
