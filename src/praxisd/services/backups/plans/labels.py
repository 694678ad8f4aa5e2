"""What slots, media and words are called by people: every text of a room of the backups comes from here."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.finding import Severity
from praxisd.kernel.issues_store import Issue
from praxisd.kernel.issues_words import explain, hint
from praxisd.kernel.texts import FIRST
from praxisd.model.backup import Word

if TYPE_CHECKING:
    from praxisd.kernel.app import House


def key(slot: str) -> str:
    """The key of the text that a slot is called by."""
    return f"backups.slot.{slot or 'spare'}"


def label(house: "House", slot: str, lang: str = FIRST) -> str:
    """„Mo extern“; „Ersatz“ for a spare medium, which has no slot."""
    return house.texts.get(key(slot), lang) if house.texts.has(key(slot)) else slot


def word(house: "House", said: Word, lang: str) -> dict[str, str]:
    """Something to say to people in their language: `{"code", "title", "cause", "solution", "hint", "subject"}`."""
    issue = Issue(INSTALLATION, said.code, said.subject, Severity.INFO, "", _params(said), 0, 0)
    told = explain(house, issue, lang)
    parts = ("code", "title", "cause", "solution", "subject")
    return {**{one: str(told[one]) for one in parts}, "hint": hint(house, issue, lang)}


def _params(said: Word) -> dict[str, Any]:
    return dict(said.params)


def code_words(house: "House", code: str, lang: str, detail: str = "", **params: object) -> dict[str, str]:
    """A code that a program raised, in words: `{"code", "title", "cause", "solution", "detail"}`."""
    parts = ("title", "cause", "solution")
    texts = house.texts
    told = {
        one: texts.get(f"{code}.{one}", lang, **params) if texts.has(f"{code}.{one}") else "" for one in parts
    }
    return {"code": code, **told, "detail": detail}
