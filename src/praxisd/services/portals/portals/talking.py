"""Speaking HTTP to portals: one request, and what went wrong in a code of `portal.CODES` that a person can act on.

Nothing of what a portal says is told on: a Problem carries its code, whether trying again makes sense, and how long the
portal asked us to wait (`headers["Retry-After"]`, whole seconds).
"""

import json as plain_json
import math
from collections.abc import Collection, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from urllib.parse import quote

import msgspec

from praxisd.kernel import http
from praxisd.kernel.clock import Clock
from praxisd.kernel.errors import Problem
from praxisd.kernel.http import AnswerLate, AnswerLost, Http, HttpAnswer, NotSent
from praxisd.model.scheduling import Busy
from praxisd.services.portals import portal as codes
from praxisd.services.portals.portal import Abilities, Blocker, Fetched, Period, Reply, Unknown

if TYPE_CHECKING:
    from praxisd.kernel.app import House

T = TypeVar("T")
PATIENCE_S = 12.0
"""A call of an adapter may need a few requests, and has to come back within 45 seconds (lease of the cycle)."""
LIMIT_BYTES = 8_000_000
WAIT_MOST_S = 86_400
WORDS: Mapping[str, str] = {
    "calendar_unknown": codes.CALENDAR_UNKNOWN,
    "booking_unknown": codes.BOOKING_GONE,
    "booking_cancelled": codes.BOOKING_GONE,
    "unauthorized": codes.KEY_REFUSED,
}
"""What a portal may say in `{"code": …}` of a refusal."""
_WORD_BYTES = 10_000
_READS = frozenset({"GET", "HEAD", "PROPFIND", "OPTIONS"})
_NOT_SENT: Mapping[str, str] = {
    "name": codes.UNKNOWN_HOST,
    "unreachable": codes.UNREACHABLE,
    "timeout": codes.TIMEOUT,
    "too_late": codes.TIMEOUT,
    "encryption": codes.TLS_FAILED,
}
_STATUS: Mapping[int, str] = {
    401: codes.KEY_REFUSED,
    403: codes.KEY_REFUSED,
    404: codes.ADDRESS_WRONG,
    405: codes.ADDRESS_WRONG,
    407: codes.UNREACHABLE,
    408: codes.TIMEOUT,
    410: codes.ADDRESS_WRONG,
    421: codes.ADDRESS_WRONG,
    425: codes.TOO_OFTEN,
    429: codes.TOO_OFTEN,
    501: codes.ADDRESS_WRONG,
    511: codes.UNREACHABLE,
}
"""407 and 511 come from a proxy or a network on the way that wants somebody to sign in."""
_RETRY = frozenset(
    {codes.UNKNOWN_HOST, codes.UNREACHABLE, codes.TIMEOUT, codes.ANSWER_UNREADABLE, codes.ANSWER_LOST}
    | {codes.TOO_OFTEN, codes.FAILING}
)
"""What may pass without a person. A name that is not found is most often a connection to the Internet that is down."""


def wrong(code: str, *, retry: bool | None = None, wait_s: int | None = None) -> Problem:
    """A Problem with a code of CODES; `retry` as usual for that code unless given."""
    again = code in _RETRY if retry is None else retry
    return Problem(
        code,
        504 if code == codes.TIMEOUT else 502,
        retry=again,
        headers={} if wait_s is None else {"Retry-After": str(wait_s)},
    )


def segment(name: str) -> str:
    """A name as one piece of an address; `/` too is written as %2F. Problem `portals.calendar_unknown` for dots alone,
    which would lead out of the folder.
    """
    if name in ("", ".", ".."):
        raise wrong(codes.CALENDAR_UNKNOWN)
    return quote(name, safe="")


class Talk:
    """Requests of one adapter. `patience_s`: how long an answer is waited for."""

    def __init__(self, ways: Http, clock: Clock) -> None:
        self._http = ways
        self._clock = clock
        self.patience_s = PATIENCE_S

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        body: bytes | None = None,
        before: float | None = None,
        ok: Collection[int] = (),
        timeout_s: float | None = None,
    ) -> HttpAnswer:
        """Send one request, once. The answer has a status of 2xx, or one of `ok`; else a Problem as the module says.

        `before` (epoch seconds): nothing leaves after it.
        """
        try:
            answer = self._http.request(
                method,
                url,
                headers=headers,
                params=params,
                json=json,
                body=body,
                before=before,
                timeout_s=self.patience_s if timeout_s is None else timeout_s,
                limit_bytes=LIMIT_BYTES,
            )
        except NotSent as left:
            raise wrong(_NOT_SENT[left.why]) from None
        except AnswerLate:
            # A question that was not answered in time is only slow; of an order nobody knows whether it was carried out.
            raise wrong(codes.TIMEOUT if method in _READS else codes.ANSWER_LOST) from None
        except AnswerLost:
            raise wrong(codes.ANSWER_LOST) from None
        if not 200 <= answer.status < 300 and answer.status not in ok:
            raise self.refusal(answer)
        return answer

    def refusal(self, answer: HttpAnswer) -> Problem:
        """What a status other than 2xx means; the portal's own word for it is stronger."""
        code = WORDS.get(word(answer), "")
        if not code and answer.status in _STATUS:
            code = _STATUS[answer.status]
        elif not code and answer.status >= 500:
            code = codes.FAILING
        elif not code:
            code = codes.ADDRESS_WRONG if answer.status < 400 else codes.REFUSED
        later = code in (codes.TOO_OFTEN, codes.FAILING)
        return wrong(code, wait_s=self._wait(answer) if later else None)

    def _wait(self, answer: HttpAnswer) -> int | None:
        """Seconds of Retry-After, which may be a number or a date (RFC 9110 § 10.2.3)."""
        told = answer.headers.get("retry-after", "").strip()
        if told.isascii() and told.isdigit() and len(told) < 8:
            seconds = int(told)
        else:
            try:
                seconds = math.ceil(parsedate_to_datetime(told).timestamp() - self._clock.now())
            except (ValueError, TypeError, OverflowError):
                return None
        return min(WAIT_MOST_S, seconds) if seconds > 0 else None


def open_talk(house: "House") -> Talk:
    """The way out of this house."""
    return Talk(http.client(house), house.clock)


def word(answer: HttpAnswer) -> str:
    """The `code` of an answer that is a JSON object, else nothing."""
    if len(answer.body) > _WORD_BYTES:
        return ""
    try:
        found = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    told = found.get("code") if isinstance(found, dict) else None
    return told if isinstance(told, str) else ""


def read(answer: HttpAnswer, shape: type[T]) -> T:
    """The JSON body in this shape; Problem `portals.answer_unreadable`. What is no text in it does not spoil the rest."""
    return decoded(answer.body, shape)


def decoded(body: bytes, shape: type[T]) -> T:
    """JSON in this shape, as `read` reads it."""
    faults = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError:
        raise wrong(codes.ANSWER_UNREADABLE) from None
    except faults:
        pass
    try:
        return msgspec.json.decode(_mended(body), type=shape)
    except faults:
        raise wrong(codes.ANSWER_UNREADABLE) from None


def _mended(body: bytes) -> bytes:
    """The JSON with "?" for what is no text (half surrogates, bytes that are no UTF-8); Problem `portals.answer_unreadable`."""
    try:
        text = body.decode("utf-8", "replace")
        value = plain_json.loads(text, strict=False, parse_constant=lambda _: None)
        return plain_json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        raise wrong(codes.ANSWER_UNREADABLE) from None


def is_page(answer: HttpAnswer) -> bool:
    """True for a page made for people: a portal that shows one instead of an answer has done nothing of what it was told."""
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    begin = answer.body[:200].lstrip().lower()
    return media in ("text/html", "application/xhtml+xml") or begin.startswith((b"<!doctype", b"<html"))


class OneWay:
    """What an adapter answers that takes busy times and can do nothing else."""

    @property
    def abilities(self) -> Abilities:
        """Busy times only."""
        return Abilities()

    def names(self) -> tuple[str, ...] | None:
        """It does not tell."""
        return None

    def hours(self, calendar: str, period: Period) -> tuple[Busy, ...] | None:
        """It does not tell."""
        return None

    def fetch(self, mark: str | None) -> Fetched:
        """Nothing ever comes."""
        return Fetched()

    def answer(self, reply: Reply, before: float) -> None:
        """Problem `portals.booking_gone`: there are no bookings."""
        raise wrong(codes.BOOKING_GONE)

    def blockers(self, calendar: str, period: Period) -> tuple[Blocker, ...]:
        """None can be entered there."""
        return ()

    def offer(self, calendar: str, times: Sequence[Busy], before: float) -> tuple[str | None, ...]:
        """None is taken."""
        return (codes.REFUSED,) * len(times)

    def settle(self, unknown: Unknown, choice: Literal["delete", "again", "keep"], before: float) -> None:
        """Problem `portals.refused`: there are no such times."""
        raise wrong(codes.REFUSED)


__all__ = ("OneWay", "Talk", "decoded", "is_page", "open_talk", "read", "segment", "word", "wrong")
