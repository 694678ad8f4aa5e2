"""The doors of the sandbox of updates: files with ranges and marks, what is published next, and what goes wrong."""

import re
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from praxisd.sandbox import updates_faults
from praxisd.sandbox.door import DROP, Answer, Bad, Call, Route, as_json, see
from praxisd.sandbox.updates import STEPS, Made
from praxisd.sandbox.updates_faults import Fault, Faults

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_KEPT = 200


@dataclass(frozen=True)
class Seen:
    """One request for a file: when (epoch seconds), which, from which byte on, what was answered, which fault it met."""

    at: float
    path: str
    start: int
    status: int
    fault: str


class Shop:
    """What a publisher's server would be. `url` is set once it is known."""

    def __init__(self, made: Made) -> None:
        self.made, self.faults, self.url = made, Faults(), ""
        self._seen: deque[Seen] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()

    def routes(self) -> tuple[Route, ...]:
        """`/metadata/…`, `/targets/…`, `/root.json`, `/state`, `/publish`, `/faults`, `/requests`."""
        return (
            ("GET", "/metadata/{a}", self._file),
            ("HEAD", "/metadata/{a}", self._file),
            ("GET", "/targets/{a}", self._file),
            ("HEAD", "/targets/{a}", self._file),
            ("GET", "/targets/{a}/{b}/{c}", self._file),
            ("HEAD", "/targets/{a}/{b}/{c}", self._file),
            ("GET", "/root.json", lambda _: Answer(200, self.made.root)),
            ("GET", "/state", lambda _: as_json(self.state())),
            ("POST", "/publish", self._publish),
            ("GET", "/faults", lambda _: as_json(self.faults.state())),
            ("POST", "/faults", self._plan),
            ("DELETE", "/faults", self._mend),
            ("GET", "/requests", lambda _: as_json([one.__dict__ for one in self.requests()])),
            ("DELETE", "/requests", self._forget),
        )

    def requests(self) -> list[Seen]:
        """What was fetched, oldest first."""
        with self._lock:
            return list(self._seen)

    def state(self) -> dict[str, Any]:
        """What is out, what can still be published."""
        out = self.made.published()
        steps = [{"what": s, "version": self.made.versions[s], "published": s in out} for s in STEPS]
        return {"url": self.url, "steps": steps, "faults": self.faults.state()}

    def _publish(self, call: Call) -> Answer:
        fields, form = given(call)
        what = str(fields.get("what"))
        if what not in STEPS:
            raise Bad("what_invalid", 422)
        version = self.made.publish(what)
        return see("/") if form else as_json({"what": what, "version": version})

    def _plan(self, call: Call) -> Answer:
        fields, form = given(call)
        if form and not fields.get("kind"):
            self.faults.clear()
            return see("/")
        try:
            self.faults.plan(fields)
        except ValueError as error:
            raise Bad("unknown_fault" if str(error) == "kind" else "malformed", 422) from None
        return see("/") if form else as_json(self.faults.state())

    def _mend(self, _: Call) -> Answer:
        self.faults.clear()
        return as_json([])

    def _forget(self, _: Call) -> Answer:
        with self._lock:
            self._seen.clear()
        return as_json([])

    # --- files -----------------------------------------------------------------------------------------------------

    def _file(self, call: Call) -> Answer:
        path = call.target.partition("?")[0].lstrip("/")
        fault = self.faults.take(path)
        start, answer = self._answer(path, call, fault)
        with self._lock:
            kind = "" if fault is None else fault.kind
            self._seen.append(Seen(round(time.time(), 3), path, start, answer.status, kind))
        return answer

    def _answer(self, path: str, call: Call, fault: Fault | None) -> tuple[int, Answer]:
        kind = "" if fault is None else fault.kind
        if kind == "drop":
            return 0, DROP
        if kind == "error":
            return 0, as_json({"code": "simulated"}, 500)
        parts = path.split("/")
        file = self.made.folder.joinpath(*parts)
        if kind == "missing" or not all(map(_NAME.fullmatch, parts)) or not file.is_file():
            return 0, as_json({"code": "not_found"}, 404)
        data = self._changed(file.read_bytes(), kind)
        mark = f'"{sha256(data).hexdigest()[:32]}"'
        headers = {"ETag": mark, "Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
        media = "application/json" if path.startswith("metadata/") else "application/octet-stream"
        if mark in call.headers.get("if-none-match", ""):
            return 0, Answer(304, b"", media, headers)
        wanted = _range(call, mark, len(data))
        if wanted is None:
            return 0, _sent(Answer(200, data, media, headers), fault)
        start, end = wanted
        if start >= len(data):
            return start, Answer(416, b"", media, {**headers, "Content-Range": f"bytes */{len(data)}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return start, _sent(Answer(206, data[start:end], media, headers), fault)

    def _changed(self, data: bytes, kind: str) -> bytes:
        if kind == "corrupt":
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        if kind == "stale":
            return self.made.stamp(_run_out)
        if kind == "rollback":
            return self.made.stamp(_older)
        return data


def _sent(answer: Answer, fault: Fault | None) -> Answer:
    """The answer as the fault lets it out."""
    if fault is None or fault.kind not in ("slow", "cut", "endless"):
        return answer
    data, length = answer.body, len(answer.body)
    pieces = {
        "slow": lambda: updates_faults.slow(data, fault.rate),
        "cut": lambda: iter([data[: fault.after]]),
        "endless": lambda: updates_faults.endless(data, fault.after),
    }[fault.kind]()
    said = None if fault.kind == "endless" else length
    return Answer(answer.status, b"", answer.media, answer.headers, pieces=pieces, length=said)


def _range(call: Call, mark: str, size: int) -> tuple[int, int] | None:
    """The bytes wanted, from and until; None without a range, or where it is about another file (If-Range)."""
    found = _RANGE.fullmatch(call.headers.get("range", ""))
    if found is None or call.headers.get("if-range", mark) != mark or found[1] == found[2] == "":
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    return int(found[1]), min(size, int(found[2]) + 1) if found[2] else size


def _run_out(signed: Any) -> None:
    signed.version += 1
    signed.expires = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)


def _older(signed: Any) -> None:
    signed.version = 1


def given(call: Call) -> tuple[dict[str, Any], bool]:
    """The fields of a call, and whether a form of the page sent them. `Bad` for what is neither."""
    if "json" in call.headers.get("content-type", ""):
        return call.table(), False
    fields: dict[str, Any] = dict(call.form())
    for name in ("times", "after", "rate"):
        if name in fields:
            fields[name] = int(fields[name]) if fields[name].isdigit() else -1
    return fields, True
