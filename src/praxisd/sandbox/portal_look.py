"""Behind the simulated portal's counter: what practices told it, who booked, and faults at a click."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from html import escape
from urllib.parse import quote

from praxisd.sandbox import portal_page_parts as parts
from praxisd.sandbox.door import Answer, Bad, Call, Route, as_page, see
from praxisd.sandbox.frame import Say, frame, language, remember, speaker
from praxisd.sandbox.portal import Board, Upload
from praxisd.sandbox.portal_booking import OPEN
from praxisd.sandbox.portal_faults import KINDS, Faults
from praxisd.sandbox.portal_times import Calendar, Wrong, instant, midnight

_DAYS = 5
_SHOWN = 20
_TONES = {"confirmed": "good", "requested": "wait", "proposed": "wait"}
_STYLE = """
.day{display:grid;grid-template-columns:7rem 1fr;gap:.25rem .75rem;margin:.375rem 0}
.spans{display:flex;flex-wrap:wrap;gap:.375rem}
.span{border:1px solid var(--line);border-radius:6px;padding:0 .5rem;font-variant-numeric:tabular-nums}
.span.here{border-color:var(--wait);color:var(--wait)}.span.booked{border-color:var(--brand);color:var(--brand)}
.card{margin-bottom:1rem}
"""


def routes(board: Board, faults: Faults, usual: str) -> tuple[Route, ...]:
    """`/look`."""
    return (
        ("GET", "/look", lambda call: _page(board, faults, call, usual)),
        ("POST", "/look/faults", lambda call: _faults(faults, call)),
        ("POST", "/look/blockers", lambda call: _block(board, call)),
        ("POST", "/look/blockers/{id}/gone", lambda call: _unblock(board, call)),
    )


def _faults(faults: Faults, call: Call) -> Answer:
    form = call.form()
    try:
        if form.get("off"):
            faults.clear()
        elif form.get("once"):
            faults.set(next_=[form["once"]])
        else:
            faults.set(always=form.get("always", ""))
    except ValueError:
        raise Bad("kinds_invalid", 422) from None
    return see("/look")


def _block(board: Board, call: Call) -> Answer:
    form = call.form()
    try:
        start, end = (
            instant(f"{form.get('date', '')}T{form.get(one, '')}", board.zone) for one in ("from", "to")
        )
    except Wrong as wrong:
        raise Bad(str(wrong), 422) from None
    board.block(form.get("calendar", ""), start, end)
    return see("/look")


def _unblock(board: Board, call: Call) -> Answer:
    board.unblock(call.path["id"])
    return see("/look")


def _page(board: Board, faults: Faults, call: Call, usual: str) -> Answer:
    lang = language(call.query, call.headers, usual)
    say = speaker(lang)
    last = {one.calendar: one for one in board.uploads()}
    cards = "".join(_calendar(board, say, one, last.get(one.name)) for one in board.calendars())
    links = f'<a href="/">{say("portal_look_patients")}</a> · <a href="/look">{say("refresh")}</a>'
    body = f"<p>{links}</p>{_fault_card(say, faults)}{cards}{_bookings(board, say)}"
    html = frame(lang, say("portal_look_title"), say("portal_look_lead"), body, "/look", 0, _STYLE)
    return as_page(html, Set_Cookie=remember(lang)) if "lang" in call.query else as_page(html)


def _fault_card(say: Say, faults: Faults) -> str:
    state = faults.state()
    now = state["always"] or ", ".join(one for one in state["next"] if one)
    shown = f'<span class="tag bad">{escape(now)}</span>' if now or state["rate"] else say("portal_look_well")
    options = "".join(f"<option>{one}</option>" for one in KINDS)
    ways = "".join(
        f'<form method="post" action="/look/faults" class="row"><label for="{way}">{say("portal_look_" + way)}</label>'
        f'<select id="{way}" name="{way}">{options}</select><button>{say("portal_look_do")}</button></form>'
        for way in ("once", "always")
    )
    off = (
        '<form method="post" action="/look/faults"><input type="hidden" name="off" value="1">'
        f"<button>{say('portal_look_off')}</button></form>"
    )
    return f'<section class="card"><h2>{say("portal_look_faults")}</h2><p>{shown}</p><div class="row">{ways}{off}</div></section>'


def _calendar(board: Board, say: Say, calendar: Calendar, last: Upload | None) -> str:
    """When it was told last, what is taken in the coming days, and a form for a busy time entered here."""
    zone = board.zone
    told = say("portal_look_never")
    if last is not None:
        at = datetime.fromtimestamp(last.at, zone)
        told = say("portal_look_told", count=len(last.busy), at=f"{at:%d.%m. %H:%M:%S}", way=last.way)
    days = "".join(
        f'<div class="day"><span>{parts.weekday(say, day)} {day:%d.%m.}</span><div class="spans">{spans}</div></div>'
        for day in (board.today + timedelta(days=n) for n in range(_DAYS))
        if (spans := _spans(board, say, calendar.name, day))
    )
    name = escape(calendar.name)
    today = board.today.isoformat()
    form = (
        f'<form method="post" action="/look/blockers" class="row"><input type="hidden" name="calendar" value="{name}">'
        f'<input type="date" name="date" value="{today}" aria-label="{say("portal_when")}" required>'
        f'<input type="time" name="from" value="12:00" aria-label="{say("portal_look_from")}" required>'
        f'<input type="time" name="to" value="13:00" aria-label="{say("portal_look_to")}" required>'
        f"<button>{say('portal_look_block')}</button></form>"
    )
    free = f'<p class="soft">{say("portal_look_nothing")}</p>'
    return f'<section class="card"><h2>{name}</h2><p class="soft">{told}</p>{days or free}{form}</section>'


def _spans(board: Board, say: Say, name: str, day: date) -> str:
    """What is taken on a day, by whom."""
    zone = board.zone
    since, until = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    found: list[tuple[int, int, str, str]] = [(start, end, "", "") for start, end in board.busy(name)]
    for id_, _, start, end in board.blockers(name):
        gone = (
            f'<form method="post" action="/look/blockers/{quote(id_)}/gone"><button aria-label="{say("portal_look_unblock")}">'
            "×</button></form>"
        )
        found.append((start, end, "here", gone))
    for one in board.bookings():
        if one.calendar == name:
            found += [(start, end, "booked", "") for start, end in one.occupies()]
    shown: Sequence[tuple[int, int, str, str]] = sorted(
        one for one in found if one[0] < until and one[1] > since
    )
    return "".join(
        f'<span class="span {kind}">{_clock(max(start, since), board)}–{_clock(min(end, until), board)}</span>{more}'
        for start, end, kind, more in shown
    )


def _clock(at: int, board: Board) -> str:
    return f"{datetime.fromtimestamp(at, board.zone):%H:%M}"


def _bookings(board: Board, say: Say) -> str:
    """The last bookings, the newest first."""
    rows = "".join(
        f'<tr><td><a href="/b/{quote(one.id)}">{escape(one.patient.given)} {escape(one.patient.family)}</a></td>'
        f"<td>{parts.moment(say, one.start, board.zone, one.end)}</td><td>{escape(one.calendar)}</td>"
        f'<td><span class="tag {_TONES.get(one.state, "bad")}">{say("portal_state_" + one.state)}</span></td></tr>'
        for one in board.bookings()[::-1][:_SHOWN]
    )
    count = sum(one.state in OPEN for one in board.bookings())
    head = f"<h2>{say('portal_look_bookings', count=count)}</h2>"
    return f'<section class="card">{head}<table>{rows}</table></section>'
