"""Searching the set itself, while its index is being made: what names and substances contain, as it is typed.

Slower than with the index, and nothing is forgiven: nobody waits, and the answer says that it is not the whole one.
"""

from praxisd.services.medication.finding_rules import How
from praxisd.services.medication.sets_reading import Opened

MOST_WORDS = 6
_NAMES = "SELECT id, name FROM product WHERE {} ORDER BY name LIKE ? ESCAPE '\\' DESC, name, id LIMIT ?"
_SUBSTANCES = (
    "SELECT DISTINCT p.id, p.name FROM substance s JOIN product_substance ps ON ps.substance = s.id"
    " JOIN product p ON p.id = ps.product WHERE ps.kind <> 'excipient'"
    " AND (s.name_de LIKE ? ESCAPE '\\' OR s.name_en LIKE ? ESCAPE '\\') ORDER BY p.name, p.id LIMIT ?"
)


def find(opened: Opened, text: str, limit: int) -> list[tuple[str, How]]:
    """The first `limit` products whose name has all words; then those with a substance that begins so."""
    words = [_escaped(one) for one in text.split()[:MOST_WORDS]]
    if not words or limit < 1:
        return []
    every = " AND ".join("name LIKE ? ESCAPE '\\'" for _ in words)
    rows = opened.rows(_NAMES.format(every), [*(f"%{one}%" for one in words), f"{words[0]}%", limit])
    first = text.split()[0].casefold()
    found: dict[str, How] = {
        id_: "prefix" if name.casefold().startswith(first) else "infix" for id_, name in rows
    }
    if len(found) < limit and len(words) == 1:
        begin = f"{words[0]}%"
        for id_, _ in opened.rows(_SUBSTANCES, [begin, begin, limit]):
            found.setdefault(id_, "prefix")
    return list(found.items())[:limit]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
