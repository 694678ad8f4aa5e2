"""The page on which a patient answers an offer of the waiting list: opened by whoever has the link, without signing in.

It names time, type and practice, never a person. To look changes nothing (programs that fetch links in messages do so);
the answer is a form that is sent. The part of the address nobody can guess is kept as its digest alone.
"""

import base64
import hashlib
import html
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from praxisd.kernel.access import system
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
_MEDIA = "text/html; charset=utf-8"
_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;margin:0;background:#f4f6f8;color:#16202a}"
    "main{max-width:34rem;margin:8vh auto;padding:2rem;background:#fff;border-radius:.75rem}"
    "h1{font-size:1.4rem;margin:0 0 1rem}p{margin:.5rem 0}.when{font-weight:600;font-size:1.2rem}"
    "form{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}"
    "button{font:inherit;padding:.7rem 1.4rem;border-radius:.5rem;border:2px solid #0b5cad;cursor:pointer}"
    ".yes{background:#0b5cad;color:#fff}.no{background:#fff;color:#0b5cad}"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


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
    return _html(call.lang, text.get("calendar.offer_page.title", call.lang), words, 404)


def _page(house: "House", tx: Tx, one: Offer, state: str) -> Raw:
    entry = waiting_store.entry(tx, one.entry)
    patient = directory.patient(tx, entry.patient) if entry is not None else None
    lang = patient.language[:2].lower() if patient is not None and patient.language else "de"
    text = house.texts
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
    words = [directory.organization(tx).name, f"!{when}", service.name if service else ""]
    words.append(text.get(f"calendar.offer_page.{state}", lang))
    if state != "open":
        words.append(text.get("calendar.offer_page.call", lang) if state == "gone" else "")
        return _html(lang, text.get("calendar.offer_page.title", lang), words, 200)
    buttons = [(n, text.get(f"calendar.offer_page.{n}", lang)) for n in ("accept", "decline")]
    return _html(lang, text.get("calendar.offer_page.title", lang), words, 200, buttons)


def _html(
    lang: str, title: str, words: list[str], status: int, buttons: list[tuple[str, str]] | None = None
) -> Raw:
    shown = html.escape
    lines = "".join(
        f'<p class="when">{shown(word[1:])}</p>' if word.startswith("!") else f"<p>{shown(word)}</p>"
        for word in words
        if word
    )
    form = "".join(
        f'<button class="{"yes" if name == "accept" else "no"}" name="answer" value="{name}">{shown(label)}</button>'
        for name, label in buttons or ()
    )
    form = f'<form method="post">{form}</form>' if form else ""
    data = (
        f'<!doctype html><html lang="{shown(lang)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{shown(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{shown(title)}</h1>{lines}{form}</main></body></html>"
    )
    return Raw(data.encode(), _MEDIA, status, _HEADERS)


ROUTES = tuple(
    Route(
        method, "/offers/{token}", name, call, None,
        why_open=OPEN, problems=((404, "http.not_found"),), media_type=_MEDIA, transaction=False, raw=True,
        tags=("waiting",),
    )
    for method, name, call in (("GET", "offer.look", look), ("POST", "offer.answer", answer))
)  # fmt: skip
