"""The configuration file of the old computer, made to fit the new one: its lines are kept, what cannot hold there is left out."""

import re
import tomllib
from collections.abc import Mapping

LEFT_OUT = ("database_url", "vault_key", "updates_root")
"""They name places of the old computer."""
_KEY = re.compile(r"""^\s*["']?([A-Za-z_]+)["']?\s*=""")
_TABLE = re.compile(r"^\s*\[")


def fitted(text: str, put: Mapping[str, str]) -> str:
    """`text` without LEFT_OUT, with `put` in front. ValueError where a line cannot be left out safely."""
    before = tomllib.loads(text)
    lines, top = [], True
    for line in text.splitlines():
        top = top and not _TABLE.match(line)
        key = _KEY.match(line)
        if not (top and key and key[1] in LEFT_OUT):
            lines.append(line)
    fresh = "".join(f"{key} = {_quoted(value)}\n" for key, value in put.items())
    made = fresh + "\n".join(lines) + "\n"
    wanted = {key: one for key, one in before.items() if key not in LEFT_OUT} | dict(put)
    if tomllib.loads(made) != wanted:
        raise ValueError("praxisd.toml")
    return made


def _quoted(value: str) -> str:
    """A TOML string. ValueError for one with control characters."""
    if not value.isprintable():
        raise ValueError("control characters")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
