"""An issue in words: title, cause and solution; the plain sentence for the desk; the block for the service partner.

Seed 003: bell, hint bar, and „Informationen für Ihren Servicepartner" to be copied, made here so that every program that
shows an issue shows the same.
"""

import re
import socket
from typing import TYPE_CHECKING, Any

from praxisd import __version__
from praxisd.kernel.errors import Problem
from praxisd.kernel.finding import Severity
from praxisd.kernel.issues_running import run_checks
from praxisd.kernel.issues_store import Issue

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

FOREIGN = "issues.foreign"
CUSTOMER = "diagnosis.customer_number"
"""The setting that is told to the service partner, where a service declares it."""
_PLAIN = re.compile(r"[\w.:/\\+,@()\[\]-]{1,120}")
_STEP = re.compile(r" (?=[1-9]\. [A-ZÄÖÜ„“])")
"""Where a step of a solution begins: on paper and in a letter each stands on a line of its own."""
_LINE = re.compile(r"[\x00-\x1f\x7f]+")


def doctor(house: "House", lang: str = "de") -> dict[str, Any]:
    """Run all checks; `{"issues": [...], "checked": [...]}` as SPEC 14.6 fixes it, with texts in `lang`.

    Ignored issues are left out.
    """
    report = run_checks(house)
    open_ones = [explain(house, i, lang) for i in report.issues if i.ignored_by is None]
    return {"issues": open_ones, "checked": list(report.checked)}


def explain(house: "House", issue: Issue, lang: str) -> dict[str, Any]:
    """An issue in words: code, severity, subject, title, cause, solution."""
    words = _words(house, issue, lang)
    known = issue.code if house.texts.has(f"{issue.code}.title") else FOREIGN
    return {
        "code": issue.code,
        "severity": issue.severity.value,
        "subject": issue.subject,
        **{
            part: house.texts.get(f"{known}.{part}", lang, **words) for part in ("title", "cause", "solution")
        },
    }


def _words(house: "House", issue: Issue, lang: str) -> dict[str, Any]:
    """What fills the placeholders."""
    shown = {name: _told(house, value, lang) for name, value in issue.params.items()}
    words = {**shown, "subject": issue.subject, "code": issue.code}
    reason = str(words.get("reason"))
    for told in (reason, f"{issue.code.partition('.')[0]}.{reason.replace('.', '_')}"):
        if house.texts.has(f"{told}.title"):  # a reason that is a code is told by its title
            words["reason"] = house.texts.get(f"{told}.title", lang, **issue.params)
            break
    return words


def _told(house: "House", value: Any, lang: str) -> Any:
    """A value as it is shown. An issue is kept in no language: `{"text": key, "values": {…}}` in it is that text, and a
    list is its parts one after another.
    """
    if isinstance(value, list):
        return " ".join(str(_told(house, one, lang)) for one in value)
    if not isinstance(value, dict):
        return value
    key, values = str(value.get("text", "")), value.get("values")
    inner = values if isinstance(values, dict) else {}
    words = {name: _number(_told(house, one, lang), lang) for name, one in inner.items()}
    return house.texts.get(key, lang, **words) if house.texts.has(key) else "–"


def _number(value: Any, lang: str) -> Any:
    """2.8 is `2,8` in German."""
    if not isinstance(value, float):
        return value
    return f"{value:g}".replace(".", "," if lang.startswith("de") else ".")


def hint(house: "House", issue: Issue, lang: str) -> str:
    """What it means for whoever sits at the desk, in one or two plain sentences: the text `<code>.hint`, else what its
    severity means.
    """
    if house.texts.has(f"{issue.code}.hint"):
        return house.texts.get(f"{issue.code}.hint", lang, **_words(house, issue, lang))
    title = explain(house, issue, lang)["title"]
    return house.texts.get(f"issues.hint.{Severity(issue.severity).value}", lang, title=title)


def information(house: "House", tx: "Tx", issue: Issue, lang: str) -> str:
    """The lines to copy for the service partner: who, where, what, why, what to do. No patient data.

    The subject only where it cannot be a sentence. `tx` reads the practice and the customer number.
    """
    say = house.texts.get
    plain = {key: _LINE.sub(" ", value) for key, value in explain(house, issue, lang).items()}
    lines = [
        ("version", f"praxisd {__version__}"),
        ("practice", _practice(house, tx)),
        ("customer", _customer(house, tx)),
        ("instance", house.config.instance),
        ("host", socket.gethostname()),
        ("code", issue.code),
        ("severity", say(f"console.word.severity.{issue.severity.value}", lang)),
        ("subject", issue.subject if _PLAIN.fullmatch(issue.subject) else ""),
        ("title", plain["title"]),
        ("cause", plain["cause"]),
        ("solution", _steps(plain["solution"])),
    ]
    return "\n".join(f"{say(f'issues.information.{k}', lang)}: {v}" for k, v in lines if v)


def _steps(solution: str) -> str:
    """The steps of a solution below each other."""
    return "\n" + _STEP.sub("\n", solution) if solution.startswith("1. ") else solution


def _practice(house: "House", tx: "Tx") -> str:
    """The name of the transaction's practice; empty while there is none."""
    ask: Any = house.shared.get("practice")
    try:
        return "" if ask is None else str(ask(tx).get("name", ""))
    except Problem:
        return ""


def _customer(house: "House", tx: "Tx") -> str:
    return str(house.settings.get(tx, CUSTOMER)) if CUSTOMER in house.registry.settings else ""


def fix_words(house: "House", issue: Issue, lang: str) -> tuple[str, str | None] | None:
    """The label of the click that heals an issue, and what it asks before, if anything; None where there is no such click.

    A check says `fixable=False` in the params of a finding that its fix could not heal.
    """
    fix = house.registry.fixes.get(issue.code)
    if fix is None or issue.params.get("fixable") is False:
        return None
    words = _words(house, issue, lang)
    ask = house.texts.get(f"{issue.code}.fix_ask", lang, **words) if fix.asks else None
    return house.texts.get(f"{issue.code}.fix", lang, **words), ask
