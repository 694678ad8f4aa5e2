"""The page on which the service partner signs in with a code, at `/support`: one small document without a script.

It is there for guests of the relay too. While nobody is let in it says so, and takes no code.
"""

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from praxisd.kernel.answer_page import MEDIA_TYPE, answer_page
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call, Raw, Route
from praxisd.kernel.sessions import cookie
from praxisd.services.support import remote
from praxisd.services.support.remote_room import room_of
from praxisd.services.support.remote_routes import PATH

if TYPE_CHECKING:
    from praxisd.kernel.texts import Texts

_OPEN = "the one-time code that the practice reads out to its partner is asked for, checked and counted by the operation"
_BYTES_MOST = 2_000


def show(call: Call) -> Raw:
    """Where the service partner signs in

    A page with one field for the code; 404 while nobody is let in.
    """
    return _page(call)


def enter(call: Call) -> Raw:
    """Sign in with the code of the practice

    Sets the session's cookie and leads to the console.
    """
    if not room_of(call.house).open():
        return _page(call)
    try:
        fields = dict(parse_qsl(call.body[:_BYTES_MOST].decode("ascii"), max_num_fields=5))
    except ValueError:
        fields = {}
    try:
        made = remote.enter(call.house, call.visit, fields.get("code", "")[:40])
    except Problem as problem:
        return _page(call, problem)
    headers = {
        "Location": "/",
        "Set-Cookie": cookie(made.token, made.max_age_s, call.visit.secure),
        "Cache-Control": "no-store",
    }
    return Raw(b"", MEDIA_TYPE, 303, headers)


def _page(call: Call, problem: Problem | None = None) -> Raw:
    texts: Texts = call.house.texts
    asked: Any = call.query.get("lang") if isinstance(call.query, dict) else None
    lang = asked if asked in texts.languages else call.lang

    def t(key: str, **params: object) -> str:
        return texts.get(f"support.page.{key}", lang, **params)

    other = "en" if lang == "de" else "de"
    links = ((f"{PATH}?lang={other}", t("other"), other),)
    if not room_of(call.house).open():
        return answer_page(lang, t("title"), [t("closed"), t("closed_help")], links=links, status=404)
    told = ""
    if problem is not None:
        parts = [
            texts.get(f"{problem.code}.{part}", lang, **problem.params) for part in ("title", "solution")
        ]
        told = " ".join(one if one.endswith((".", "!", "?")) else f"{one}." for one in parts)
    return answer_page(
        lang,
        t("title"),
        [t("lead"), t("recorded")],
        [("enter", t("go"))],
        ask=("code", t("code"), t("code_help")),
        alert=told,
        links=links,
        status=200 if problem is None else problem.status,
        headers=None if problem is None else problem.headers,
    )


ROUTES = (
    Route(
        "GET", PATH, "supportDoor.show", show, None, why_open=_OPEN, root=True, raw=True, media_type=MEDIA_TYPE, safe=True,
        tags=("support",),
    ),
    Route(
        "POST", PATH, "supportDoor.enter", enter, None, why_open=_OPEN, root=True, raw=True, media_type=MEDIA_TYPE,
        problems=((401, "support.code_refused"), (403, "accounts.csrf_refused"), (429, "accounts.rate_limited")),
        transaction=False, safe=True, tags=("support",),
    ),
)  # fmt: skip
