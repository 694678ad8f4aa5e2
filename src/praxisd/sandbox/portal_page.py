"""What patients see of the simulated portal: choose a calendar, a time, say who you are; then how it stands."""

import secrets
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote, unquote, urlencode

from praxisd.sandbox import portal_page_parts as parts
from praxisd.sandbox.door import Answer, Bad, Call, Route, as_page, see
from praxisd.sandbox.frame import Say, frame, language, remember, speaker
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_booking import OPEN, Booking, patient_of
from praxisd.sandbox.portal_plain import note_of
from praxisd.sandbox.portal_times import Calendar, Service, Wrong, midnight

_REFRESH_S = 10
_TONES = {"confirmed": "good", "requested": "wait", "proposed": "wait"}


def routes(board: Board, usual: str) -> tuple[Route, ...]:
    """`/`, `/c/…` (choose and book), `/b/…` (one booking)."""
    page = _Pages(board, usual)
    return (
        ("GET", "/", page.start),
        ("GET", "/c/{name}", page.times),
        ("GET", "/c/{name}/book", page.form),
        ("POST", "/c/{name}/book", page.book),
        ("GET", "/b/{id}", page.booking),
        ("POST", "/b/{id}/cancel", page.change(board.cancel)),
        ("POST", "/b/{id}/yes", page.change(lambda id_: board.decide(id_, True))),
        ("POST", "/b/{id}/no", page.change(lambda id_: board.decide(id_, False))),
    )


class _Pages:
    """The pages of one board. `usual`: the language of whoever says nothing."""

    def __init__(self, board: Board, usual: str) -> None:
        self._board = board
        self._usual = usual

    def _page(
        self, call: Call, body: Callable[[Say], str], path: str = "", status: int = 200, refresh_s: int = 0
    ) -> Answer:
        lang = language(call.query, call.headers, self._usual)
        say = speaker(lang)
        query = urlencode({name: one for name, one in call.query.items() if name != "lang"})
        path = path or call.target.partition("?")[0] + (f"?{query}" if query else "")
        html = frame(lang, say("portal_title"), say("portal_lead"), body(say), path, refresh_s, parts.STYLE)
        more = {"Referrer_Policy": "same-origin"}
        if "lang" in call.query:
            more["Set_Cookie"] = remember(lang)
        return as_page(html, status, **more)

    def _missing(self, call: Call) -> Answer:
        return self._page(call, lambda say: parts.notice(say, "portal_gone", "bad"), "/", 404)

    def _chosen(self, call: Call) -> tuple[Calendar, Service] | None:
        """The calendar of the path and the service of the query, or None."""
        try:
            calendar = self._board.calendar(unquote(call.path["name"]))
            return calendar, calendar.service(call.query.get("service", ""))
        except (Bad, Wrong):
            return None

    def start(self, call: Call) -> Answer:
        """All calendars."""
        found = self._board.calendars()

        def body(say: Say) -> str:
            if not found:
                return parts.notice(say, "portal_no_calendars", "soft")
            cards = "".join(
                f'<li><a class="card pick" href="{parts.address(one)}"><strong>{escape(one.name)}</strong>'
                f'<span class="soft">{escape(", ".join(kind.name for kind in one.services))}</span></a></li>'
                for one in found
            )
            return f'<h2>{say("portal_with_whom")}</h2><ul class="plain">{cards}</ul>'

        return self._page(call, body)

    def times(self, call: Call) -> Answer:
        """Free times of one calendar, day by day."""
        chosen = self._chosen(call)
        if chosen is None:
            return self._missing(call)
        calendar, service = chosen
        zone = self._board.zone
        since, until = self._board.period(calendar.name)
        first = parts.day_of(call.query.get("from", ""), since, until, zone)
        free = self._board.free(calendar.name, service, midnight(first, zone), until)
        days = parts.by_day(free, zone)
        others = len(self._board.calendars()) > 1

        def body(say: Say) -> str:
            return parts.times(say, calendar, service, days, first, zone, self._board.today, others)

        return self._page(call, body)

    def form(self, call: Call) -> Answer:
        """Who the patient is."""
        chosen, start = self._chosen(call), call.query.get("start", "")
        if chosen is None or not _number(start):
            return self._missing(call)
        calendar, service = chosen
        if not self._board.free(calendar.name, service, int(start), int(start) + 1):
            return self._taken(call, calendar, service)
        return self._form(call, calendar, service, int(start), {"once": secrets.token_urlsafe(16)}, "")

    def _form(
        self, call: Call, calendar: Calendar, service: Service, start: int, fields: dict[str, str], wrong: str
    ) -> Answer:
        query = urlencode({"service": service.name, "start": start})
        path = f"{parts.address(calendar)}/book?{query}"

        def body(say: Say) -> str:
            return parts.form(say, calendar, service, start, fields, wrong, self._board)

        return self._page(call, body, path, 422 if wrong else 200)

    def _taken(self, call: Call, calendar: Calendar, service: Service) -> Answer:
        path = parts.address(calendar, service)

        def body(say: Say) -> str:
            again = f'<p><a class="button main" href="{path}">{say("portal_other_times")}</a></p>'
            return parts.notice(say, "portal_taken", "bad") + again

        return self._page(call, body, path, 409)

    def book(self, call: Call) -> Answer:
        """The form was sent."""
        chosen, fields = self._chosen(call), call.form()
        start = call.query.get("start", "")
        if chosen is None or not _number(start):
            return self._missing(call)
        calendar, service = chosen
        try:
            for name in ("birthDate", "phone"):
                if not fields.get(name, "").strip():
                    raise Wrong(f"{name}_invalid")
            patient = patient_of(fields, self._board.today)
            note = note_of(fields)
        except Wrong as wrong:
            return self._form(call, calendar, service, int(start), fields, str(wrong))
        once = fields.get("once", "")[:64]
        try:
            made = self._board.book(calendar.name, service.name, int(start), patient, note, once)
        except Bad as bad:
            if bad.code in ("time_taken", "time_not_offered"):
                return self._taken(call, calendar, service)
            raise
        return see(f"/b/{quote(made.id)}")

    def booking(self, call: Call) -> Answer:
        """How one booking stands."""
        try:
            found = self._board.booking(unquote(call.path["id"]))
        except Bad:
            return self._missing(call)
        waits = found.state == "requested"
        return self._page(call, lambda say: self._state(say, found), refresh_s=_REFRESH_S if waits else 0)

    def change(self, change: Callable[[str], Any]) -> Callable[[Call], Answer]:
        """A button of that page; what comes too late changes nothing, the page shows how it stands."""

        def function(call: Call) -> Answer:
            id_ = unquote(call.path["id"])
            try:
                change(id_)
            except Bad as bad:
                if bad.status == 404:
                    return self._missing(call)
            return see(f"/b/{quote(id_)}")

        return function

    def _state(self, say: Say, one: Booking) -> str:
        zone = self._board.zone
        tone = _TONES.get(one.state, "bad")
        what = parts.facts(say, one.calendar, one.service, one.start, one.end, zone)
        reason = parts.reason(say, one.reason) if one.state in ("refused", "cancelled_by_practice") else ""
        path = f"/b/{quote(one.id)}"
        act = ""
        if one.state == "proposed" and one.proposed is not None:
            when = parts.moment(say, one.proposed[0], zone)
            act = (
                f'<div class="card offer"><h2>{say("portal_proposal")}</h2><p class="when">{when}</p>'
                f'<form method="post" action="{path}/yes"><button class="main wide">{say("portal_yes")}</button></form>'
                f'<form method="post" action="{path}/no"><button class="wide">{say("portal_no")}</button></form></div>'
            )
        elif one.state in OPEN and one.start > self._board.now():
            act = (
                f'<details><summary>{say("portal_cancel_ask")}</summary><form method="post" action="{path}/cancel">'
                f'<p>{say("portal_cancel_sure")}</p><button class="wide">{say("portal_cancel")}</button></form></details>'
            )
        calendar = parts.address(Calendar(one.calendar))
        again = f'<p><a href="{calendar if one.state not in OPEN else "/"}">{say("portal_again")}</a></p>'
        return (
            f'<section class="card"><p><span class="tag {tone}">{say("portal_state_" + one.state)}</span></p>'
            f'<p class="lead" role="status">{say("portal_says_" + one.state)}</p>{reason}{what}</section>{act}{again}'
        )


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 11
