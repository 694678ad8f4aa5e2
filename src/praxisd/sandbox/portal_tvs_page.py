"""The simulated 116117 for people: what is offered, who booked, and what the practice asked (`/tvs`).

Times are shown and entered as they are in Berlin, where the real one is.
"""

from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from praxisd.sandbox.door import Answer, Bad, Call, Route, as_page, see
from praxisd.sandbox.frame import Say, frame, language, remember, speaker
from praxisd.sandbox.portal_tvs import PERSON, Refused, Slot, Tvs

ZONE = ZoneInfo("Europe/Berlin")
_SHOWN = 200
_ASKED = 30
_TONES = {"free": "good", "busy": "bad", "busy-tentative": "wait", "busy-unavailable": "soft"}
_FIELDS = (("family", "text"), ("given", "text"), ("birthDate", "date"), ("phone", "tel"), ("email", "email"))
_STYLE = ".card{margin-bottom:1rem;overflow-x:auto}label{display:grid;gap:.25rem}form.row{align-items:end}"


class Page:
    """One page, and the forms on it."""

    def __init__(self, tvs: Tvs, usual: str) -> None:
        self._tvs = tvs
        self._usual = usual

    @property
    def routes(self) -> tuple[Route, ...]:
        """Its doors."""
        return (
            ("GET", "/tvs", self.show),
            ("POST", "/tvs/page/slots", self.offer),
            ("POST", "/tvs/page/bookings", self.book),
            ("POST", "/tvs/page/bookings/{id}/cancel", self.cancel),
        )

    def show(self, call: Call) -> Answer:
        """Everything at a glance."""
        lang = language(call.query, call.headers, self._usual)
        say = speaker(lang)
        with self._tvs.lock:
            now = self._tvs.now()
            slots = sorted(
                (one for one in self._tvs.slots.values() if not one.gone and one.end > now),
                key=lambda one: (one.start, one.id),
            )
            wrong = call.query.get("wrong")
            notice = f'<p class="bad" role="alert">{say("tvs_wrong")}</p>' if wrong else ""
            body = notice + self._slots(say, slots) + self._booking(say, slots) + self._offering(say)
            body += self._requests(say)
        html = frame(lang, say("tvs_title"), say("tvs_lead"), body, "/tvs", 0, _STYLE)
        return as_page(html, Set_Cookie=remember(lang)) if "lang" in call.query else as_page(html)

    def _slots(self, say: Say, slots: list[Slot]) -> str:
        rows = "".join(self._row(say, one) for one in slots[:_SHOWN])
        head = "".join(
            f'<th scope="col">{say("tvs_" + name)}</th>' for name in ("when", "profile", "status", "patient")
        )
        table = f"<table><tr>{head}<td></td></tr>{rows}</table>" if rows else f"<p>{say('tvs_none')}</p>"
        again = f'<p><a href="/tvs">{say("refresh")}</a></p>'
        return f'<section class="card"><h2>{say("tvs_slots")}</h2>{again}{table}</section>'

    def _row(self, say: Say, slot: Slot) -> str:
        booking = self._tvs.bookings.get(slot.booking)
        person = booking.person if booking else {}
        state = "booked" if booking else slot.status.replace("-", "_")
        button = ""
        if booking:
            path = f"/tvs/page/bookings/{escape(booking.id)}/cancel"
            button = f'<form method="post" action="{path}"><button>{say("tvs_cancel")}</button></form>'
        who = escape(f"{person.get('given', '')} {person.get('family', '')}".strip())
        return (
            f"<tr><td>{_when(slot)}</td><td>{escape(self._tvs.profiles[slot.profile].name)}</td>"
            f'<td><span class="tag {_TONES[slot.status]}">{say("tvs_" + state)}</span></td><td>{who}</td><td>{button}</td></tr>'
        )

    def _booking(self, say: Say, slots: list[Slot]) -> str:
        free = [one for one in slots if one.status == "free"][:_SHOWN]
        if not free:
            return ""
        options = "".join(
            f'<option value="{escape(one.id)}">{_when(one)} · {escape(self._tvs.profiles[one.profile].name)}</option>'
            for one in free
        )
        fields = "".join(
            f'<label>{say("tvs_" + name)}<input name="{name}" type="{kind}" maxlength="120"'
            f"{'' if name in ('phone', 'email') else ' required'}></label>"
            for name, kind in _FIELDS
        )
        return (
            f'<section class="card"><h2>{say("tvs_book")}</h2><form method="post" action="/tvs/page/bookings" class="row">'
            f'<label>{say("tvs_when")}<select name="slot">{options}</select></label>{fields}'
            f'<button class="main">{say("tvs_book")}</button></form></section>'
        )

    def _offering(self, say: Say) -> str:
        names = "".join(f'<option value="{escape(one.name)}">' for one in self._tvs.profiles.values())
        return (
            f'<section class="card"><h2>{say("tvs_offer")}</h2><p class="soft">{say("tvs_offer_lead")}</p>'
            '<form method="post" action="/tvs/page/slots" class="row">'
            f'<label>{say("tvs_profile")}<input name="profile" list="profiles" required maxlength="120"></label>'
            f'<datalist id="profiles">{names}</datalist>'
            f'<label>{say("tvs_from")}<input name="start" type="datetime-local" required></label>'
            f'<label>{say("tvs_to")}<input name="end" type="datetime-local" required></label>'
            f"<button>{say('tvs_offer')}</button></form></section>"
        )

    def _requests(self, say: Say) -> str:
        rows = "".join(
            f"<tr><td>{escape(one['at'][11:19])}</td><td>{escape(one['method'])} {escape(one['target'])}</td>"
            f"<td>{one['status']}</td></tr>"
            for one in list(self._tvs.requests)[: -_ASKED - 1 : -1]
        )
        table = f"<table>{rows}</table>" if rows else f"<p>{say('tvs_not_asked')}</p>"
        all_ = f'<p class="soft"><a href="/tvs/requests">{say("tvs_requests_all")}</a></p>'
        return f'<section class="card"><h2>{say("tvs_requests")}</h2>{all_}{table}</section>'

    def offer(self, call: Call) -> Answer:
        """A slot that the practice knows nothing of."""
        form = call.form()
        try:
            start, end = (_entered(form.get(name, "")) for name in ("start", "end"))
            profile = self._tvs.add_profile(form.get("profile", "").strip()[:120] or "Sprechstunde")
            self._tvs.add_slot(profile.id, start, end)
        except (Refused, ValueError):
            return see("/tvs?wrong=1")
        return see("/tvs")

    def book(self, call: Call) -> Answer:
        """A patient books."""
        form = call.form()
        person = {name: form[name].strip()[:120] for name in PERSON if form.get(name, "").strip()}
        try:
            self._tvs.book(form.get("slot", ""), person)
        except Refused:
            return see("/tvs?wrong=1")
        return see("/tvs")

    def cancel(self, call: Call) -> Answer:
        """A patient cancels."""
        try:
            self._tvs.end_booking(call.path["id"])
        except Refused as refused:
            raise Bad("not_found", refused.status) from None
        return see("/tvs")


def _when(slot: Slot) -> str:
    start, end = (datetime.fromtimestamp(at, ZONE) for at in (slot.start, slot.end))
    return f"{start:%d.%m.%Y %H:%M}–{end:%H:%M}"


def _entered(text: str) -> int:
    """What a person entered, as it is in Berlin; ValueError."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())
