"""The floor: the guard's own page when even safe mode cannot start. It says what failed and takes "try again".

It tries again by itself, too: the cause may pass (a database that comes up late, a disk that was full). "Try again" by a
person needs the code from HOME/floor-code, which only who can sign in to the computer can read.
"""

import hmac
import html
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from praxisd_guard import words
from praxisd_guard.door import Reply, Request
from praxisd_guard.door_answers import page, page_reply, unavailable
from praxisd_guard.durable import put
from praxisd_guard.keeper_host import Failure
from praxisd_guard.places import Places

PATH = "/guard/try-again"
RETRY_S = 30
_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"
_GROUPS, _GROUP = 3, 4
_MOVED = "(control.moved)"
"""How a server ends whose practice is kept by another computer now: nothing is broken, and who asks here should be told."""


@dataclass(frozen=True)
class Fall:
    """What led to the floor."""

    failure: Failure
    version: str | None
    at: float
    """Epoch seconds."""
    again_at: float
    """When the guard tries again by itself. Epoch seconds."""


class Floor:
    """Answers requests on the floor; `tried` is called when somebody with the code wants to try again."""

    def __init__(self, home: Path, fall: Fall, tried: Callable[[], None]) -> None:
        self._home = home
        self._fall = fall
        self._tried = tried
        self._code = "-".join(
            "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
        )
        with suppress(OSError):  # a full disk: the command on the server works all the same
            put(Places(home).floor_code, self._code.encode() + b"\n")

    def fell(self, fall: Fall) -> None:
        """It was tried again, and failed."""
        self._fall = fall

    def leave(self) -> None:
        """The code is worth nothing any more."""
        self._code = ""
        with suppress(OSError):
            Places(self._home).floor_code.unlink(missing_ok=True)

    def answer(self, request: Request) -> Reply:
        """The page for browsers, 503 `guard.floor` for programs, and the form's way back."""
        if request.method == "POST" and request.path == PATH:
            return self._try(request)
        if request.wants_page and request.method in ("GET", "HEAD"):
            return self._page(request, 503, "")
        return unavailable(request, "guard.floor", RETRY_S)

    def _try(self, request: Request) -> Reply:
        given = parse_qs(request.body.decode("utf-8", "replace")).get("code", [""])[0]
        plain = "".join(c for c in given.lower() if c in _ALPHABET).encode()
        code = self._code.replace("-", "").encode()
        if not code or not hmac.compare_digest(plain, code):
            return self._page(request, 403, "wrong")
        self._tried()
        return Reply(303, b"", "text/plain", {"Location": "/"})

    def _page(self, request: Request, status: int, word: str) -> Reply:
        lang = words.accepted(request.headers.get("accept-language", ""))
        parts = [
            self._section(one, word) for one in (lang, *(other for other in words.LANGUAGES if other != lang))
        ]
        refresh = max(1, round(self._fall.again_at - time.time())) + RETRY_S
        found = page(lang, "".join(parts), refresh_s=None if word else refresh)
        return page_reply(found, status, lang, {"Retry-After": str(RETRY_S)})

    def _section(self, lang: str, word: str) -> str:
        def text(key: str, **params: object) -> str:
            return html.escape(words.say(key, lang, **params))

        fall = self._fall
        rows = {
            "what": f"{words.why(fall.failure.code, lang)} ({fall.failure.code})",
            "detail": fall.failure.detail,
            "version": fall.version or "",
            "at": time.strftime("%Y-%m-%d %H:%M:%S %z", time.localtime(fall.at)),
            "log": fall.failure.log or "",
        }
        listed = "".join(
            f"<dt>{text(f'floor.{name}')}</dt><dd>{html.escape(value)}</dd>"
            for name, value in rows.items()
            if value
        )
        command = f"praxisd-guard order try_again --home {self._home}"
        again = text("floor.again", time=time.strftime("%H:%M:%S", time.localtime(fall.again_at)))
        wrong = f'<p class="wrong" role="alert">{text(f"floor.{word}")}</p>' if word else ""
        said = "floor.moved" if _MOVED in fall.failure.detail else "guard.floor"
        return (
            f'<section lang="{lang}"><h1>{text(f"{said}.title")}</h1><p>{text(f"{said}.cause")}</p>'
            f"<p>{text(f'{said}.solution')}</p><p>{again}</p><dl>{listed}</dl>{wrong}"
            f'<form method="post" action="{PATH}"><label>'
            f"{text('floor.code', file=Places(self._home).floor_code)} "
            f'<input name="code" autocomplete="off" required></label> <button>{text("floor.button")}</button></form>'
            f"<p>{text('floor.command', command=command)}</p></section>"
        )
