"""The help page of a code: what it means, why, what to do, where praxisd looks. Made of the declarations and the texts alone, so
the console, `praxisd doctor --explain` and docs/*/codes (made by `make docs`) say the same.
"""

from typing import TYPE_CHECKING

import msgspec

from praxisd.kernel.errors import not_found
from praxisd.kernel.finding import Check, Severity, Varies
from praxisd.kernel.issues_running import FAILED, RUN_EVERY_S, TIMEOUT
from praxisd.kernel.service import Call, Route

if TYPE_CHECKING:
    from praxisd.kernel.registry import Registry

BLANK = "…"
"""What stands in a text where an issue says something of its own: a name, a number, a date."""
_BY_HOUSE = (FAILED, TIMEOUT)
"""Raised by the round of checks itself, about a check."""


class _Out(msgspec.Struct, rename="camel", frozen=True, kw_only=True):
    """What all answers share: camelCase names."""


class Looked(_Out, frozen=True, kw_only=True):
    """A check that looks for it, and how often: a sentence."""

    name: str
    often: str


class Topic(_Out, frozen=True, kw_only=True):
    """The help page of a code. `area` is the service that says it; `hint` what it means at the desk, where that has words of
    its own; `fix` the click that heals it; `statuses` of HTTP where the doors answer it; `severity` of the issue in words, and
    where it is not always the same, on what it depends; None for a refusal.
    """

    code: str
    area: str
    title: str
    cause: str
    solution: str
    hint: str | None
    severity: str | None
    checks: list[Looked]
    fix: str | None
    statuses: list[int]


class Entry(_Out, frozen=True, kw_only=True):
    """One line of the index."""

    code: str
    area: str
    title: str


class Topics(_Out, frozen=True, kw_only=True):
    """All issues that praxisd knows."""

    topics: list[Entry]


def issue_codes(found: "Registry") -> list[str]:
    """The codes of everything that a check may find, in order."""
    return sorted({*_BY_HOUSE, *(code for check in found.checks for code in check.codes)})


def topic(found: "Registry", code: str, lang: str) -> Topic | None:
    """The page of any declared code, of an issue or of a refusal; None for a code that nobody declared."""
    if code not in found.problems:
        return None
    statuses = {status for route in found.routes for status, said in route.problems if said == code}
    hint = f"{code}.hint"
    return Topic(
        code=code,
        area=area(found, code, lang),
        title=say(found, f"{code}.title", lang),
        cause=say(found, f"{code}.cause", lang),
        solution=say(found, f"{code}.solution", lang),
        hint=say(found, hint, lang) if found.texts.has(hint) else None,
        severity=severity(found, code, lang),
        checks=[Looked(name=c.name, often=often(found, c, lang)) for c in found.checks if code in c.codes],
        fix=say(found, f"{code}.fix", lang) if code in found.fixes else None,
        statuses=sorted(statuses),
    )


def say(found: "Registry", key: str, lang: str) -> str:
    """A text with a blank for whatever the issue fills in."""
    return found.texts.get(key, lang, **dict.fromkeys(found.texts.placeholders(key, lang), BLANK))


def gravities(found: "Registry", code: str) -> tuple[tuple[Severity, ...], tuple[str, ...]]:
    """All severities that the checks declare for a code, the mildest first, and the keys of what they depend on."""
    said = [one for check in found.checks if (one := check.gravity(code)) is not None]
    if code in _BY_HOUSE:
        said.append(Severity.WARNING)
    kinds = {each for one in said for each in (one.severities if isinstance(one, Varies) else (one,))}
    whys = dict.fromkeys(one.why for one in said if isinstance(one, Varies))
    return tuple(one for one in reversed(Severity) if one in kinds), tuple(whys)


def severity(found: "Registry", code: str, lang: str) -> str | None:
    """How grave an issue is: one word, or „Warnung oder Fehler, je nachdem, ob …“; None where nobody declared it."""
    kinds, whys = gravities(found, code)
    told = [found.texts.get(f"console.word.severity.{one.value}", lang) for one in kinds]
    if len(told) < 2:
        return told[0] if told else None
    rest = told[1:] if lang == "de" else [one.lower() for one in told[1:]]
    every = f" {found.texts.get('console.help.or', lang)} ".join([told[0], *rest])
    if not whys:
        return every
    return found.texts.get(
        "console.help.varies", lang, severity=every, why="; ".join(say(found, one, lang) for one in whys)
    )


def area(found: "Registry", code: str, lang: str) -> str:
    """The service that says the code, as the console calls it."""
    name = next((one.name for one in found.services if any(code in c.codes for c in one.checks)), None)
    name = name or code.partition(".")[0]
    key = f"console.service.{name}"
    return found.texts.get(key if found.texts.has(key) else "console.service.kernel", lang)


def often(found: "Registry", check: Check, lang: str) -> str:
    """How often a check looks by itself: `jede Minute`, `alle 6 Stunden`."""
    minutes = max(1, round(max(check.every_s, RUN_EVERY_S) / 60))
    if minutes == 1:
        return found.texts.get("console.help.minute", lang)
    if minutes % 60 or minutes == 60:
        return found.texts.get("console.help.minutes", lang, n=minutes)
    return found.texts.get("console.help.hours", lang, n=minutes // 60)


def get_topics(call: Call) -> Topics:
    """All issues that praxisd knows

    With title and the area they belong to, in the caller's language.
    """
    found, lang = call.house.registry, call.lang
    return Topics(
        topics=[
            Entry(code=one, area=area(found, one, lang), title=say(found, f"{one}.title", lang))
            for one in issue_codes(found)
        ]
    )


def get_topic(call: Call) -> Topic:
    """The help page of a code

    What it means, why, what to do, and where praxisd looks for it.
    """
    one = topic(call.house.registry, call.path["code"], call.lang)
    if one is None:
        raise not_found("Code")
    return one


_READ = "kernel.console.read"
ROUTES = (
    Route("GET", "/help/codes", "help.codes", get_topics, _READ, Topics, safe=True, tags=("help",)),
    Route(
        "GET", "/help/codes/{code}", "help.code", get_topic, _READ, Topic, safe=True,
        problems=((404, "http.not_found"),), tags=("help",),
    ),
)  # fmt: skip
