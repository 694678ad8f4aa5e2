"""Full texts: one by product and section, and the search of words in all of them."""

from typing import TYPE_CHECKING, Any

from praxisd.kernel.errors import Problem
from praxisd.services.medication import sets_reading, sets_words
from praxisd.services.medication.sets_schema import TEXTS
from praxisd.services.medication.sets_shapes import PassageOut, PassagesOut, SectionOut, TextOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

_ONE = "SELECT id, product, kind, title, source, released FROM text WHERE product = ? AND kind = ? ORDER BY id LIMIT 1"
_SECTIONS = (
    "SELECT no, number, heading, body FROM section WHERE text = ? AND (? IS NULL OR number = ?) ORDER BY no"
)
_FOUND = """
SELECT t.id, t.product, t.kind, t.title, s.no, s.number, s.heading, s.body
  FROM section_words w
  JOIN section_row r ON r.no = w.rowid
  JOIN section s ON s.text = r.text AND s.no = r.section
  JOIN text t ON t.id = s.text
 WHERE section_words MATCH ? AND (? IS NULL OR t.product = ?)
 ORDER BY bm25(section_words, 4.0, 1.0), t.title, t.id, s.no
 LIMIT ?
"""


def text(
    house: "House", tx: "Tx", product: str, kind: str, section: str | None, lang: str, version: str | None
) -> TextOut:
    """The text of a product, or one section of it. Problems: `medication.no_text` (404), `medication.no_data`,
    `medication.no_version`.
    """
    now = sets_reading.look(house, TEXTS, version)
    opened = now.held
    found = opened.first(_ONE, (product, kind))
    sections = [] if found is None else opened.rows(_SECTIONS, (found[0], section, section))
    if found is None or not sections:
        raise Problem("medication.no_text", 404)
    id_, of, kind_, title, source, released = found
    return TextOut(
        id=id_, product=of, kind=kind_, title=title, source=source, released=released,
        sections=[SectionOut(no=no, number=number, heading=heading, body=body) for no, number, heading, body in sections],
        standing=sets_reading.standing_of(house, tx, now, lang),
    )  # fmt: skip


def search(
    house: "House", tx: "Tx", words: str, product: str | None, limit: int, lang: str, version: str | None
) -> PassagesOut:
    """Sections that have all the words; nothing where no word was asked for."""
    now = sets_reading.look(house, TEXTS, version)
    opened = now.held
    asked = sets_words.asked(words)
    found = opened.rows(_FOUND, (_match(asked), product, product, limit + 1)) if asked else []
    return PassagesOut(
        results=[_passage(row, asked) for row in found[:limit]],
        more=len(found) > limit,
        standing=sets_reading.standing_of(house, tx, now, lang),
    )


def _match(asked: list[list[str]]) -> str:
    """The question in FTS5's words: each word in one of its spellings, the last one as a beginning."""
    parts = []
    for place, spellings in enumerate(asked, 1):
        star = "*" if place == len(asked) else ""
        parts.append("(" + " OR ".join(f'"{one}"{star}' for one in spellings) + ")")
    return " AND ".join(parts)


def _passage(row: tuple[Any, ...], asked: list[list[str]]) -> PassageOut:
    id_, product, kind, title, no, number, heading, body = row
    excerpt, marked = sets_words.excerpt(body, asked)
    return PassageOut(
        text=id_, product=product, kind=kind, title=title, no=no, number=number, heading=heading, excerpt=excerpt,
        marked=marked,
    )  # fmt: skip
