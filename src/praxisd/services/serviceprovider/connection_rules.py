"""Connection strings of SQL Server, as far as the computer in them goes: `Data Source=tcp:HOST\\INSTANCE,1433;…`. Pure.

The words for it are those of Microsoft.Data.SqlClient (ConnectionString, Data Source and its synonyms); of several the last
counts, and what stands in quotes is one value.
"""

import re
from collections.abc import Iterator

_KEYS = frozenset({"data source", "server", "addr", "address", "network address"})
_PAIR = re.compile(r"([^=;]*)=\s*(\"[^\"]*\"?|'[^']*'?|[^;]*)|;|[^=;]+")
_PROTOCOL = re.compile(r"(?:(?:tcp|np|lpc|admin):)?\s*\\*", re.IGNORECASE)
_END = re.compile(r"[\\,]")


def source_host(text: str) -> tuple[int, int] | None:
    """From where to where in the text the computer stands; None if it names none."""
    found = None
    for key, start, end in _pairs(text):
        if key.strip().casefold() in _KEYS:
            found = start, end
    if found is None:
        return None
    start, end = found
    begins = _PROTOCOL.match(text, start, end)
    start = begins.end() if begins is not None else start
    stop = _END.search(text, start, end)
    end = stop.start() if stop is not None else end
    return start, start + len(text[start:end].rstrip())


def _pairs(text: str) -> Iterator[tuple[str, int, int]]:
    """Keys, and where their values stand, without the quotes; quotes around all of the text are none of a value."""
    at = 1 if text[:1] in ("'", '"') else 0
    whole = len(text) - 1 if at and text.endswith(text[0]) and len(text) > 1 else len(text)
    while at < whole:
        found = _PAIR.match(text, at, whole)
        if found is None:
            return
        if found.group(1) is not None:
            start, end = found.span(2)
            if text[start:end][:1] in ("'", '"'):
                closed = end - start > 1 and text[end - 1] == text[start]
                start, end = start + 1, end - 1 if closed else end
            yield found.group(1), start, end
        at = found.end()
