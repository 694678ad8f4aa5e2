"""What the console asks first: who and where it is, which pages there are, and its words: those of
the first load, and those of all other pages.
"""

import gzip
import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd import __version__
from praxisd.kernel import events, sharing
from praxisd.kernel.console import GROUPS, ConsolePage, Form
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Answer, Call, Permission, Route
from praxisd.kernel.texts import Texts

if TYPE_CHECKING:
    from praxisd.kernel.store import Tx

PREFIX = "console."
ALL, FIRST, PAGES = "all", "first", "pages"
_FIRST = ("console.overview.", "console.issues.", "console.activity.", "console.calendar.status.")
"""Words of pages that the shell and the overview say too."""
_LATER = (
    "closings", "design", "exceptions", "help", "hours", "list", "outgoing", "reminding", "released", "safe", "sources",
    "treatments", "wishes",
)  # fmt: skip
"""Words under names of their own that only pages say: parts of pages, titles of columns, safe mode."""
_PEOPLE = ("owner", "desk", "partner")


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class ChoiceOut(_Out, frozen=True, kw_only=True):
    """One choice of a field, with its word."""

    value: str
    label: str


class FieldOut(_Out, frozen=True, kw_only=True):
    """A field of a form."""

    key: str
    kind: str
    label: str
    help: str
    required: bool
    choices: list[ChoiceOut]


class FormOut(_Out, frozen=True, kw_only=True):
    """A form above a page's listing: what is filled in is sent to `path` (POST, below /api/v1)."""

    path: str
    title: str
    send: str
    fields: list[FieldOut]


class PageOut(_Out, frozen=True, kw_only=True):
    """A page in the navigation; with `listing` the console draws that listing, with `form` that form above it."""

    name: str
    title: str
    group: str
    order: int
    icon: str
    listing: str | None
    form: FormOut | None


class GroupOut(_Out, frozen=True, kw_only=True):
    """A heading of the navigation."""

    name: str
    title: str


class PracticeOut(_Out, frozen=True, kw_only=True):
    """The practice the caller belongs to."""

    id: str
    name: str
    zone: str
    language: str


class ConsoleOut(_Out, frozen=True, kw_only=True):
    """The installation, the pages the caller may see, and where the live stream begins (`cursor`). `shared`: several practices
    share it, and another one looks after it."""

    version: str
    instance: str
    node: str
    development: bool
    demo: bool
    shared: bool
    languages: list[str]
    cursor: str
    pages: list[PageOut]
    groups: list[GroupOut]
    organization: PracticeOut


def get_console(call: Call) -> ConsoleOut:
    """What the console shows around its pages

    Version, names, and the pages the caller may see, titled in the caller's language.
    """
    house = call.house
    with call.read() as tx:
        cursor = events.head(tx)
        practice = practice_of(call, tx)
        shared = sharing.withheld(house, tx)
    shown = [one for one in house.registry.pages if call.actor.may(one.permission)]
    return ConsoleOut(
        version=__version__,
        instance=house.config.instance,
        node=house.node,
        development=house.config.development,
        demo=house.config.demo,
        shared=shared,
        languages=list(house.texts.languages),
        cursor=str(cursor),
        pages=[_page(call, one) for one in shown],
        groups=[
            GroupOut(name=one, title=house.texts.get(f"console.group.{one}", call.lang)) for one in GROUPS
        ],
        organization=practice,
    )


def practice_of(call: Call, tx: "Tx") -> PracticeOut:
    """The caller's practice as `house.shared["practice"](tx)` describes it; its id alone where nobody can."""
    ask: Any = call.house.shared.get("practice")
    if ask is None:
        return PracticeOut(id=tx.organization, name=call.house.config.instance, zone="UTC", language="de")
    return PracticeOut(id=tx.organization, **ask(tx))


def _page(call: Call, one: ConsolePage) -> PageOut:
    return PageOut(
        name=one.name,
        title=call.house.texts.get(f"console.page.{one.name}", call.lang),
        group=one.group,
        order=one.order,
        icon=one.icon,
        listing=one.listing or None,
        form=_form(call, one.form),
    )


def _form(call: Call, form: Form | None) -> FormOut | None:
    """The form in the caller's language; None for who may not send it."""
    if form is None:
        return None
    route = next(one for one in call.house.registry.routes if one.name == form.route)
    if not call.actor.may(route.permission or ""):
        return None
    texts, lang = call.house.texts, call.lang
    key = f"console.form.{form.name}"
    fields = [
        FieldOut(
            key=one.key,
            kind=one.kind,
            label=texts.get(f"{key}.{one.key}", lang),
            help=texts.get(f"{key}.{one.key}_help", lang) if texts.has(f"{key}.{one.key}_help") else "",
            required=one.required,
            choices=[
                ChoiceOut(value=x, label=texts.get(f"console.word.{one.vocabulary}.{x}", lang))
                for x in one.choices
            ],
        )
        for one in form.fields
    ]
    return FormOut(
        path=route.path,
        title=texts.get(f"{key}.title", lang),
        send=texts.get(f"{key}.send", lang),
        fields=fields,
    )


@lru_cache(maxsize=16)
def _words(texts: Texts, lang: str, pages: frozenset[str], part: str) -> tuple[bytes, bytes, str]:
    """Words of the console in a language: plain, packed, and their digest. `part` is first, pages or all."""

    def wanted(key: str) -> bool:
        if part == ALL or not key.startswith(PREFIX):
            return key.startswith(PREFIX)
        of_a_page = key.split(".")[1] in {*pages, *_LATER} and not key.startswith(_FIRST)
        return of_a_page is (part == PAGES)

    found = {key: text for key, text in sorted(texts.table(lang).items()) if wanted(key)}
    data = msgspec.json.encode(found)
    return data, gzip.compress(data, 9, mtime=0), hashlib.sha256(data).hexdigest()[:24]


def get_texts(call: Call) -> Answer:
    """All words of the console in one language

    Keys with their text; `{name}` stands for what the console fills in. Open, since the page before sign-in speaks too.
    """
    return _texts(call, ALL)


def get_part(call: Call) -> Answer:
    """Part of the words of the console in one language

    `first`: what the shell and the overview say; `pages`: what the other pages say. Both together are all.
    """
    part = call.path["part"]
    if part not in (FIRST, PAGES):
        raise not_found("Path")
    return _texts(call, part)


def _texts(call: Call, part: str) -> Answer:
    house, lang = call.house, call.path["lang"]
    if lang not in house.texts.languages:
        raise not_found("Path")
    pages = frozenset(one.name for one in house.registry.pages)
    plain, packed, digest = _words(house.texts, lang, pages, part)
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if accepts(call.headers.get("accept-encoding", ""), "gzip"):
        return Answer(packed, etag=f"{digest}-gz", headers={**headers, "Content-Encoding": "gzip"})
    return Answer(plain, etag=digest, headers=headers)


def accepts(header: str, coding: str) -> bool:
    """True if an Accept-Encoding header names this coding and does not refuse it (`q=0`)."""
    for part in header.lower().split(","):
        name, _, weight = part.strip().partition(";")
        if name.strip() == coding:
            return weight.replace(" ", "").removeprefix("q=") not in ("0", "0.0", "0.00", "0.000")
    return False


PERMISSIONS = (Permission("kernel.console.read", _PEOPLE),)
ROUTES = (
    Route(
        "GET",
        "/console",
        "console.read",
        get_console,
        "kernel.console.read",
        answer=ConsoleOut,
        safe=True,
        tags=("console",),
    ),
    Route(
        "GET",
        "/console/texts/{lang}.json",
        "console.texts",
        get_texts,
        None,
        why_open="words of the program, the same everywhere; the page for signing in needs them before anyone is known",
        root=True,
        inside=True,
        exempt=True,
        safe=True,
        quick=get_texts,
        problems=((404, "http.not_found"),),
        tags=("console",),
    ),
    Route(
        "GET",
        "/console/texts/{lang}/{part}.json",
        "console.textsPart",
        get_part,
        None,
        why_open="words of the program, the same everywhere; the page for signing in needs them before anyone is known",
        root=True,
        inside=True,
        exempt=True,
        safe=True,
        quick=get_part,
        problems=((404, "http.not_found"),),
        tags=("console",),
    ),
)
