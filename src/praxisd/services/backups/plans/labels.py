"""What slots, media and words are called by people: every text of a room of the backups comes from here."""

from typing import TYPE_CHECKING, Any

import msgspec

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


def unfilled(house: "House", said: Word, slot: str) -> Word:
    """The same word, of a slot that no medium fills yet: its name is then said in whichever language it is read."""
    name, text = label(house, slot), {"text": key(slot)}
    params = {one: text if value == name else value for one, value in said.params.items()}
    return msgspec.structs.replace(said, params=params)


def word(house: "House", said: Word, lang: str) -> dict[str, str]:
    """Something to say to people in their language: `{"code", "title", "cause", "solution", "hint", "subject"}`."""
    issue = Issue(INSTALLATION, said.code, said.subject, Severity.INFO, "", dict(said.params), 0, 0)
    told = explain(house, issue, lang)
    parts = ("code", "title", "cause", "solution", "subject")
    return {**{one: str(told[one]) for one in parts}, "hint": hint(house, issue, lang)}


def code_words(house: "House", code: str, lang: str, detail: str = "", **params: Any) -> dict[str, str]:
    """A code that a program raised, in words: `{"code", "title", "cause", "solution", "detail"}`."""
    told = word(house, Word(code, params), lang) if house.texts.has(f"{code}.title") else {}
    return {
        "code": code,
        **{one: told.get(one, "") for one in ("title", "cause", "solution")},
        "detail": detail,
    }
