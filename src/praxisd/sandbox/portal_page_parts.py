"""Pieces of the simulated portal's pages, as HTML."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from praxisd.sandbox.frame import Say
from praxisd.sandbox.portal import Board
from praxisd.sandbox.portal_times import Calendar, Service

STYLE = """
header>div,main{max-width:40rem}.card>:first-child{margin-top:0}.plain{list-style:none;margin:0;padding:0;display:grid;gap:.75rem}
.pick{display:flex;flex-direction:column;gap:.125rem;text-decoration:none;color:inherit}.pick:hover{border-color:var(--brand)}
.chips{display:flex;flex-wrap:wrap;gap:.5rem;list-style:none;margin:0 0 1.25rem;padding:0}
.chips a,.button{display:inline-flex;align-items:center;justify-content:center;min-height:2.75rem;min-width:4.5rem;
padding:.25rem .875rem;border:1px solid var(--brand);border-radius:8px;text-decoration:none;font-weight:600;
background:var(--card)}
.chips a:hover,.chips a[aria-current]{background:var(--brand);color:var(--card)}
.button.main{background:var(--brand);color:var(--card)}h3{font-size:1rem;margin:1rem 0 .5rem}
form label{display:block;font-weight:600;margin:.875rem 0 .25rem}form input,form textarea{width:100%;font-size:1rem;
min-height:2.75rem}form small{display:block;color:var(--soft)}input[aria-invalid]{border-color:var(--bad)}
.wide{width:100%;min-height:3rem;margin-top:.75rem;font-weight:600}.lead{font-size:1.0625rem;margin:.5rem 0}
.when{font-size:1.125rem;font-weight:600}.offer{margin-top:1rem;border-color:var(--brand)}
dl{display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem;margin:1rem 0 0}dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}details{margin-top:1rem}summary{cursor:pointer;min-height:2.75rem;color:var(--brand)}
.pages{display:flex;justify-content:space-between;gap:1rem;flex-wrap:wrap}.two{display:grid;gap:0 1rem}
@media (min-width:30rem){.two{grid-template-columns:1fr 1fr}}
"""
DAYS_SHOWN = 5
_REASONS = ("time_taken", "not_offered", "no_new_patients", "call_us", "other")
_BEGIN = "portals.refused_"
_FIELDS = (
    ("given", "text", "given-name", 80, True), ("family", "text", "family-name", 80, True),
    ("birthDate", "date", "bday", 10, True), ("phone", "tel", "tel", 40, True), ("email", "email", "email", 120, False),
)  # fmt: skip


def address(calendar: Calendar, service: Service | None = None, **more: object) -> str:
    """Where a calendar's times are, for an attribute."""
    query = {**({} if service is None else {"service": service.name}), **more}
    path = f"/c/{quote(calendar.name, safe='')}"
    return escape(f"{path}?{urlencode(query)}" if query else path)


def notice(say: Say, key: str, tone: str) -> str:
    """One sentence in a card."""
    return f'<p class="card {tone}" role="status">{say(key)}</p>'


def moment(say: Say, at: int, zone: ZoneInfo, end: int | None = None) -> str:
    """Day and time."""
    local = datetime.fromtimestamp(at, zone)
    clock = say("portal_clock", time=f"{local:%H:%M}")
    if end is not None:
        clock = say(
            "portal_clocks", since=f"{local:%H:%M}", until=f"{datetime.fromtimestamp(end, zone):%H:%M}"
        )
    return f"{day(say, local.date())}, {clock}"


def weekday(say: Say, one: date) -> str:
    """The name of the day, two letters."""
    return say("portal_weekdays").split("|")[one.weekday()][:2]


def day(say: Say, one: date) -> str:
    """A date as it is written."""
    weekdays, months = say("portal_weekdays").split("|"), say("portal_months").split("|")
    return say(
        "portal_date",
        weekday=weekdays[one.weekday()],
        day=one.day,
        month=months[one.month - 1],
        year=one.year,
    )


def day_of(given: str, since: int, until: int, zone: ZoneInfo) -> date:
    """The day asked for, within the period; its first if none is."""
    first, last = (datetime.fromtimestamp(at, zone).date() for at in (since, until - 1))
    try:
        return min(max(date.fromisoformat(given), first), last)
    except ValueError:
        return first


def by_day(free: Sequence[int], zone: ZoneInfo) -> list[tuple[date, list[int]]]:
    """Starts put together by local date; one day more than is shown, to know whether there is a next page."""
    found: list[tuple[date, list[int]]] = []
    for at in free:
        on = datetime.fromtimestamp(at, zone).date()
        if not found or found[-1][0] != on:
            if len(found) > DAYS_SHOWN:
                break
            found.append((on, []))
        found[-1][1].append(at)
    return found


def times(
    say: Say,
    calendar: Calendar,
    service: Service,
    days: Sequence[tuple[date, list[int]]],
    first: date,
    zone: ZoneInfo,
    today: date,
    others: bool,
) -> str:
    """The kinds of appointments, and the days with their free times."""
    back = f'<p><a href="/">{say("portal_all_calendars")}</a></p>' if others else ""
    kinds = "".join(
        f'<li><a href="{address(calendar, one)}"{" aria-current=true" if one == service else ""}>{escape(one.name)}</a></li>'
        for one in calendar.services
    )
    chosen = (
        f'<h3>{say("portal_kind")}</h3><ul class="chips">{kinds}</ul>' if len(calendar.services) > 1 else ""
    )
    shown = "".join(
        f'<section><h3>{day(say, on)}</h3><ul class="chips">'
        + "".join(
            f'<li><a href="{_book(calendar, service, at)}">{datetime.fromtimestamp(at, zone):%H:%M}</a></li>'
            for at in starts
        )
        + "</ul></section>"
        for on, starts in days[:DAYS_SHOWN]
    )
    later = earlier = ""
    if len(days) > DAYS_SHOWN:
        later = f'<a href="{address(calendar, service, **{"from": days[DAYS_SHOWN][0]})}">{say("portal_later")}</a>'
    if first > today:
        before = first - timedelta(days=7)
        earlier = f'<a href="{address(calendar, service, **{"from": before})}">{say("portal_earlier")}</a>'
    free = shown or notice(say, "portal_none_free", "soft")
    minutes = say("portal_minutes", minutes=service.minutes)
    return (
        f'{back}<h2>{escape(calendar.name)}</h2><p class="soft">{minutes}</p>{chosen}{free}'
        f'<nav class="pages" aria-label="{say("portal_pages")}">{earlier}<span></span>{later}</nav>'
    )


def _book(calendar: Calendar, service: Service, start: int) -> str:
    query = urlencode({"service": service.name, "start": start})
    return escape(f"/c/{quote(calendar.name, safe='')}/book?{query}")


def facts(say: Say, calendar: str, service: str, start: int, end: int, zone: ZoneInfo) -> str:
    """What is booked."""
    rows = (
        ("portal_when", moment(say, start, zone, end)),
        ("portal_where", escape(calendar)),
        ("portal_what", escape(service)),
    )
    return "<dl>" + "".join(f"<dt>{say(key)}</dt><dd>{value}</dd>" for key, value in rows) + "</dl>"


def form(
    say: Say,
    calendar: Calendar,
    service: Service,
    start: int,
    fields: Mapping[str, str],
    wrong: str,
    board: Board,
) -> str:
    """Who the patient is; `wrong`: the code of the field that cannot be meant."""
    what = facts(say, calendar.name, service.name, start, start + service.minutes * 60, board.zone)
    failed = wrong.removesuffix("_invalid")
    top = f'<p id="wrong" class="bad" role="alert">{say("portal_check_" + failed)}</p>' if wrong else ""
    rows = []
    for name, kind, known, most, must in _FIELDS:
        needed = " required" if must else ""
        bad = ' aria-invalid="true" aria-describedby="wrong" autofocus' if name == failed else ""
        high = f' max="{board.today}" min="1880-01-01"' if kind == "date" else ""
        word = say("portal_" + name) if must else say("portal_optional", what=say("portal_" + name))
        rows.append(
            f'<div><label for="{name}">{word}</label><input id="{name}" name="{name}" type="{kind}" maxlength="{most}" '
            f'autocomplete="{known}" value="{escape(fields.get(name, ""))}"{needed}{bad}{high}></div>'
        )
    note = escape(fields.get("note", ""))
    ask = "portal_request" if calendar.confirm else "portal_book"
    return (
        f'<p><a href="{address(calendar, service)}">{say("portal_other_times")}</a></p>'
        f'<section class="card">{top}<h2>{say("portal_who")}</h2>{what}'
        f'<form method="post" action="{_book(calendar, service, start)}">'
        f'<input type="hidden" name="once" value="{escape(fields.get("once", ""))}">'
        f'<div class="two">{"".join(rows[:2])}</div>{"".join(rows[2:])}'
        f'<label for="note">{say("portal_optional", what=say("portal_note"))}</label>'
        f'<textarea id="note" name="note" rows="2" maxlength="500">{note}</textarea>'
        f'<button class="main wide">{say(ask)}</button></form>'
        f'<p class="soft">{say("portal_game")}</p></section>'
    )


def reason(say: Say, code: str) -> str:
    """Why the practice said no; nothing if it gave no reason."""
    if not code:
        return ""
    word = code.removeprefix(_BEGIN)
    key = word if code.startswith(_BEGIN) and word in _REASONS else "other"
    return f"<p>{say('portal_reason_' + key)}</p>"
