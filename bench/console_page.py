"""The calendar page in a real browser: a day with 3,000 appointments in 20 columns, drawn and scrolled, beside an empty one.

The server's answer is made here, so that drawing alone is measured; `console_view` measures the answer.
"""

import json
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from bench import report
from praxisd.testing import browser
from praxisd.testing.programs import running

COLUMNS = 20
FULL = 3_000
DEMANDED = 12
"""Drawing what is in sight of the full day takes at most so many times what the empty day takes."""
LONGEST_MS = 200
"""A pause people notice as freezing: no frame while scrolling, and no task while drawing the rest, may take longer."""
_STATES = ("booked", "booked", "booked", "arrived", "fulfilled", "pending", "noshow")
_DRAW = """async ([button, wanted]) => {
  const long = [];
  const watch = new PerformanceObserver((list) => list.getEntries().forEach((one) => long.push(one.duration)));
  watch.observe({ entryTypes: ['longtask'] });
  const columns = () => document.querySelector('.col').getAttribute('aria-label');
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const before = columns();
  performance.clearResourceTimings();
  [...document.querySelectorAll('button')].find((one) => one.getAttribute('aria-label') === button).click();
  do await frame(); while (columns() === before || (wanted && !document.querySelector('.box')));
  await frame();
  const drawn = performance.now();
  const got = performance.getEntriesByType('resource').filter((one) => one.name.includes('calendar/view')).at(-1);
  while (document.querySelectorAll('.box').length !== wanted) await frame();
  const all = performance.now();
  await new Promise((done) => setTimeout(done, 300));
  watch.disconnect();
  return { drawn: drawn - got.responseEnd, all: all - got.responseEnd, longest: Math.max(0, ...long) };
}"""
_SCROLL = """async () => {
  const frame = document.querySelector('.frame');
  frame.scrollTop = frame.scrollLeft = 0;
  const gaps = [];
  let last = performance.now();
  for (let step = 0; step < 90; step++) {
    frame.scrollTop += 24;
    frame.scrollLeft += step % 3 ? 0 : 20;
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    gaps.push(now - last);
    last = now;
  }
  return gaps;
}"""


def day(on: str, count: int) -> dict[str, Any]:
    """The answer of POST /calendar/view for a day with so many appointments of five minutes."""

    def at(minute: int) -> str:
        return f"{on}T{minute // 60:02}:{minute % 60:02}:00+01:00"

    columns = [f"c{number}" for number in range(COLUMNS)]
    return {
        "zone": "Europe/Berlin",
        "now": at(600),
        "revision": "1",
        "schedules": [
            {"id": one, "name": f"Behandlung {n + 1}", "color": None, "order": n, "active": True}
            | {"practitioner": None, "location": None}
            for n, one in enumerate(columns)
        ],
        "services": [
            {"id": f"k{n}", "name": name, "color": None, "duration": 5, "active": True}
            for n, name in enumerate(("Kontrolle", "Prophylaxe", "Beratung", "Schmerz", "Labor", "Röntgen"))
        ],
        "open": [{"schedule": one, "start": at(420), "end": at(1200)} for one in columns],
        "appointments": [
            {
                "id": f"a{n}",
                "version": 1,
                "status": _STATES[n % len(_STATES)],
                "start": at(420 + n // COLUMNS * 5),
                "end": at(425 + n // COLUMNS * 5),
                "service": f"k{n % 6}",
                "schedules": [columns[n % COLUMNS]],
                "patient": {"id": f"p{n}", "name": f"Patient {n}"},
                "note": "Bitte anrufen" if n % 9 == 0 else None,
            }
            for n in range(count)
        ],
        "reservations": [],
        "busy": [],
        "absences": [],
        "closed": [],
    }


def measure(rounds: int, say: Callable[[str], None], notes: list[str]) -> list[report.Row]:
    """Interleaved rounds: one day back (full), one day on (empty)."""
    first = date(2031, 2, 11)
    full_day = (first - timedelta(1)).isoformat()
    full: list[dict[str, float]] = []
    empty: list[dict[str, float]] = []
    gaps: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory(prefix="praxisd-page-") as name,
        running(Path(name) / "demo", verb="demo") as server,
    ):
        owner = json.loads((Path(name) / "demo" / "access.json").read_text(encoding="utf-8"))["console"]
        with browser.browser() as chromium:
            context, faults = browser.context(chromium, browser.Look())

            def answer(route: Any) -> None:
                on = route.request.post_data_json["from"][:10]
                route.fulfill(json=day(on, FULL if on == full_day else 0))

            context.route("**/api/v1/calendar/view", answer)
            page = context.new_page()
            browser.sign_in(page, server.url, owner["user"], owner["password"])
            page.evaluate("to => { location.hash = '#/calendar/' + to + '/day' }", first.isoformat())
            page.locator(".frame").wait_for()
            page.wait_for_timeout(800)
            for number in range(rounds + 1):
                crowded = page.evaluate(_DRAW, ["Einen Tag zurück", FULL])
                if number == 0:
                    gaps["full"] = page.evaluate(_SCROLL)
                quiet = page.evaluate(_DRAW, ["Einen Tag weiter", 0])
                if number == 0:
                    gaps["empty"] = page.evaluate(_SCROLL)
                else:  # the first round warms up
                    full.append(crowded)
                    empty.append(quiet)
            if faults:
                raise RuntimeError(f"the page complained: {faults[:3]}")
    say("page: done")
    longest = median(one["longest"] for one in full)
    notes.append(
        f"calendar page, {FULL} appointments in {COLUMNS} columns: in sight after {median(o['drawn'] for o in full):.0f} ms, "
        f"all of them after {median(o['all'] for o in full):.0f} ms, longest single task {longest:.0f} ms; "
        f"longest pause while scrolling {max(gaps['full']):.0f} ms (empty day {max(gaps['empty']):.0f} ms)"
    )
    drawing = report.row(
        "page: one day in the console's calendar",
        f"{FULL} appointments : none, in sight",
        [one["drawn"] for one in full],
        [one["drawn"] for one in empty],
        demanded=DEMANDED,
        most=True,
        note="from the answer's last byte until what is in the window is painted",
    )
    whole = report.row(
        "page: one day in the console's calendar",
        f"{FULL} appointments : none, all of them",
        [one["all"] for one in full],
        [one["drawn"] for one in empty],
        note="what is out of sight is drawn in idle moments",
    )
    scrolling = report.row(
        "page: scrolling",
        f"{FULL} appointments : none, median frame",
        [median(gaps["full"])],
        [median(gaps["empty"])],
        demanded=2,
        most=True,
    )
    return [drawing, whole, scrolling]
