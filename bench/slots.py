"""Free slots over HTTP: 200 results from 20 columns with 50,000 appointments, beside a prebuilt answer."""

import http.client
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from bench import load, practice, programs, report

DAYS = 28
_FIFTIES = 500
_PATH = "/api/v1/slots?service={}&from={}&to={}"
NOTES = {
    "unchanged": "the same question again, nothing booked since: answered from memory",
    "unchanged, 304": "the same with If-None-Match; floor: the framework's 304",
    "cold": "every question differs by a second: no answer kept, nothing changed in the calendar",
    "changed": "the calendar changed before every question: 2 of 20 columns read anew, all else put together from bitmaps",
    "one booking in 50": "the same question, but every 50th request books: computed anew after each; bookings counted",
    "coldest": "every question lies in other days: rows of 20 columns read, bitmaps made, then computed",
}


def _day(ahead: int, second: int = 0) -> str:
    today = datetime.now(practice.ZONE).date()
    moment = datetime.combine(today + timedelta(days=ahead), time(), practice.ZONE) + timedelta(
        seconds=second
    )
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def question(made: practice.Filled, ahead: int, days: int = DAYS, second: int = 0) -> str:
    """The path that asks for free times from so many days (and seconds) ahead on."""
    return _PATH.format(made.service, _day(ahead, second), _day(ahead + days))


def _keyed(made: practice.Filled, paths: Iterator[str], *headers: str) -> Iterator[str]:
    for number, path in enumerate(paths):
        yield load.line(path, made.keys[number % len(made.keys)], *headers)


def cold(made: practice.Filled) -> list[str]:
    """4,000 questions, of which no answer is still kept when they come again; ten windows of days."""
    return [question(made, 1 + n % 10, second=1 + n) for n in range(4_000)]


def _coldest(made: practice.Filled) -> Iterator[str]:
    """1,000 windows of days: more than there are bitmaps kept. Three weeks and more hold 200 times on any day."""
    return (question(made, 1 + n % 100, 21 + n // 100) for n in range(1_000))


def _changing(made: practice.Filled, first: int, fifties: int) -> Iterator[str]:
    """Fifty requests in turn, one of which books; `first` is the number of the first booking."""
    path = question(made, 1)
    for number in range(first, first + fifties):
        for n in range(49):
            yield load.line(path, made.keys[n % len(made.keys)])
        yield booking(made, number)


def booking(made: practice.Filled, number: int) -> str:
    """The request of the `number`-th booking of the measured type."""
    start, doctor, room = made.free[number]
    body = {
        "service": made.service,
        "start": datetime.fromtimestamp(start, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "schedules": [doctor, room],
        "patient": {"id": made.patients[number % len(made.patients)]},
    }
    return load.line("/api/v1/appointments", made.keys[number % len(made.keys)], body=json.dumps(body))


def ask(url: str, path: str, key: str) -> tuple[int, bytes, str]:
    """One GET: status, body, ETag."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=20)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("etag", "")
    finally:
        connection.close()


def _checked(url: str, path: str, made: practice.Filled) -> tuple[bytes, str]:
    status, body, tag = ask(url, path, made.keys[0])
    if status != 200 or len(json.loads(body)["slots"]) != 200:
        raise load.Failed(f"{status}, {len(body)} bytes for {path}")
    return body, tag


def measure(
    made: practice.Filled, folder: Path, other: Path, rounds: int, seconds: int, say: Callable[[str], None]
) -> list[report.Row]:
    """Interleaved rounds on `folder` (which the bookings change); rows with ratios to the framework's route.

    `other`: a second copy of the folder, for the server whose calendar changes all the time.
    """
    with programs.praxisd(folder) as ours, programs.changing(other) as restless:
        body, tag = _checked(ours.url, question(made, 1), made)
        for path in (*cold(made)[:40:7], *list(_coldest(made))[::90]):
            _checked(ours.url, path, made)
        prebuilt = folder / "answer.json"
        prebuilt.write_bytes(body)
        with (
            programs.floor("litestar", prebuilt, made.keys) as framework,
            programs.floor("bare", prebuilt, made.keys) as bare,
        ):
            same = [question(made, 1)] * len(made.keys)

            def requests(name: str, lines: Iterator[str]) -> Path:
                return load.write_requests(folder / f"{name}.txt", lines)

            plain = requests("same", _keyed(made, iter(same)))
            tagged = requests("tagged", _keyed(made, iter(same), f"If-None-Match: {tag}"))
            floor_tagged = requests("floor_tagged", _keyed(made, iter(same), 'If-None-Match: "floor"'))
            plan: dict[str, tuple[programs.Program, Path]] = {
                "floor": (framework, plain),
                "unchanged": (ours, plain),
                "bare": (bare, plain),
                "floor, 304": (framework, floor_tagged),
                "unchanged, 304": (ours, tagged),
                "cold": (ours, requests("cold", _keyed(made, iter(cold(made))))),
                "floor again": (framework, plain),
                "changed": (restless, plain),
                "coldest": (ours, requests("coldest", _keyed(made, _coldest(made)))),
                "one booking in 50": (ours, plain),
            }
            found: dict[str, list[load.Loaded]] = {name: [] for name in plan}
            booked = 0
            for number in range(rounds):
                for name, (program, file) in plan.items():
                    if name == "unchanged, 304":  # a booking of the round before may have changed the answer
                        tag = _checked(ours.url, question(made, 1), made)[1]
                        file = requests("tagged", _keyed(made, iter(same), f"If-None-Match: {tag}"))
                    elif name == "one booking in 50":
                        file = requests("changing", _changing(made, booked, _FIFTIES))
                    one = load.run(program, file, seconds)
                    _check_size(name, one, len(body))
                    found[name].append(one)
                    if name == "one booking in 50":
                        booked += one.requests // 50 + 2  # wrk ends with requests in flight
                        if one.requests > _FIFTIES * 50:
                            raise load.Failed("more bookings than were prepared")
                say(f"slots: round {number + 1} of {rounds}")
    return list(_rows(found, len(body)))


def _check_size(name: str, one: load.Loaded, size: int) -> None:
    """Every answer has to be a full one: 304 has no body, all others about 200 slots."""
    full = one.answer_bytes > size * (0.94 if "booking" in name else 0.97)
    if not (one.answer_bytes < 1_000 if "304" in name else full):
        raise load.Failed(f"{name}: {one.answer_bytes:.0f} bytes per answer")


def _rows(found: dict[str, list[load.Loaded]], size: int) -> Iterator[report.Row]:
    part = f"slots: 200 results, {size} bytes"

    def one(name: str, floor: str, demanded: float | None = None, note: str = "") -> report.Row:
        ours, base = found[name], found[floor]
        return report.row(
            part,
            name,
            [x.per_s for x in ours],
            [x.per_s for x in base],
            cpu=([x.cpu_us for x in ours], [x.cpu_us for x in base]),
            demanded=demanded,
            note=note or NOTES[name],
        )

    yield one("unchanged", "floor", 0.6)
    yield one("unchanged, 304", "floor, 304")
    yield one("cold", "floor again", 0.2)
    yield one("changed", "floor again")
    yield one("one booking in 50", "floor again")
    yield one("coldest", "floor again")
    yield one(
        "bare", "floor", note="an ASGI function without framework, key, log; how much the floor itself costs"
    )
