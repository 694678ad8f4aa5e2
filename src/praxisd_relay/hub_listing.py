"""What the commands show of a registry, and which practice a person means."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from praxisd_relay.registry import Refusal, Registry

HOURS = 24
LEAST_PREFIX = 4


def meant(registry: Registry, domain: str, text: str) -> str:
    """The id somebody means: an id, its beginning (4 letters at least, of one practice only), a host name or an own name.

    Raises Refusal("unknown").
    """
    wanted = text.strip().lower().rstrip(".").removesuffix(f".{domain}")
    if registry.find(wanted) is not None:
        return wanted
    owner = registry.named(wanted)
    if owner is not None:
        return owner
    near = [
        one.id for one in registry.practices() if len(wanted) >= LEAST_PREFIX and one.id.startswith(wanted)
    ]
    if len(near) != 1:
        raise Refusal("unknown")
    return near[0]


def practices(registry: Registry) -> list[dict[str, Any]]:
    """A row for each key, the practices' present and former ones."""
    usage = registry.usage(HOURS)
    rows = []
    for one in registry.practices():
        streams, received, sent, seen = usage.get(one.id, (0, 0, 0, 0))
        rows.append(
            {
                "id": one.id,
                "label": one.label,
                "state": "revoked" if one.revoked else "alias" if one.alias_of else "active",
                "since": _time(one.since),
                "seen": _time(seen) if seen else None,
                "streams": streams,
                "bytes": received + sent,
                "names": list(one.names),
                "aliasOf": one.alias_of or None,
            }
        )
    return rows


def codes(registry: Registry) -> list[dict[str, Any]]:
    """A row for each one-time code; the code itself is kept nowhere."""
    now = time.time()
    return [
        {
            "label": one.label,
            "state": "used" if one.used_by else "open" if now < one.until else "ended",
            "since": _time(one.since),
            "until": _time(one.until),
            "tries": one.tries,
            "usedBy": one.used_by or None,
        }
        for one in registry.codes()
    ]


_HEADS = {"usedBy": "used_by"}
_HIDDEN = {"aliasOf"}


def table(rows: list[dict[str, Any]], say: Callable[[str], str]) -> str:
    """Rows as aligned columns with heads in the person's language."""
    if not rows:
        return ""
    columns = [name for name in rows[0] if name not in _HIDDEN]
    heads = [say(f"column.{_HEADS.get(name, name)}") for name in columns]
    cells = [[_cell(name, row[name], say) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    lines = (
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
        for row in (heads, *cells)
    )
    return "\n".join(line.rstrip() for line in lines)


def _cell(name: str, value: Any, say: Callable[[str], str]) -> str:
    if value is None or value == []:
        return "-"
    if name == "state":
        return say(f"state.{value}")
    if name == "bytes":
        return f"{value / 1e6:.1f}"
    return ",".join(value) if isinstance(value, list) else str(value)


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
