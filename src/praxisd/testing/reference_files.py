"""The page of the configuration files, written from the structs that read them: words, kinds, defaults, bounds, meanings.

The meaning of a word is the text under it in the source, so that there is one place to keep true.
"""

import ast
import inspect
import textwrap
import types
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from praxisd.kernel.config import Config
from praxisd.system import plan, unit
from praxisd_relay.cluster_settings import NatsSettings, Node, PeersSettings
from praxisd_relay.config import Config as HubConfig
from praxisd_relay.config import Limits

PROGRAM = "/usr/local/lib/praxisd"
"""Where docs/en/operating.md has the program installed: a virtual environment. HOME is the guard's alone."""
HEAD = ("word", "kind", "default", "bounds", "meaning")
ENVIRONMENT = (
    ("PRAXISD_DATA", "every command", "the data folder, where `--data` is left out"),
    ("PRAXISD_CONFIG", "every command", "the configuration file, where `--config` is left out"),
    ("PRAXISD_LANG", "every command, guard, hub", "`de` or `en`, where `--lang` is left out; else the terminal's"),
    ("PRAXISD_PUBLISH_PASSPHRASE", "`praxisd publish`", "passphrase of the publisher's keys, instead of a question"),
    ("PRAXISD_SERVICE", "set by the unit", "the service's name at the operating system"),
    ("PRAXISD_HOME", "set by the guard", "its folder, for the server it starts"),
    ("PRAXISD_PROOF_DATABASE", "set by the restore proof", "the database a restore is tried in"),
)  # fmt: skip
SERVE = (
    ("--data", "folder", "required", "the data folder (or PRAXISD_DATA)"),
    ("--host", "address", "127.0.0.1", "where it listens; other computers only by another address than loopback"),
    ("--port", "0 – 65535", "8080", "0: a free one, named in the line `ready …`"),
    ("--config", "file", "praxisd.toml in the data folder", "this page's first table (or PRAXISD_CONFIG)"),
    ("--fd", "number", "", "a socket that listens already; the guard's"),
    ("--safe", "", "off", "safe mode: only console, diagnosis, log, backup, updates; the guard's"),
)  # fmt: skip


def meanings(struct: type) -> dict[str, str]:
    """What stands under each field in the source."""
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(struct))).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            said = after.value if isinstance(after, ast.Expr) else None
            if isinstance(said, ast.Constant) and isinstance(said.value, str):
                found[field.target.id] = " ".join(said.value.split())
    return found


def rows(struct: type, taken: Sequence[str] = ()) -> Iterator[tuple[str, ...]]:
    """One row for each word of a table, but for those in `taken`."""
    hints, said = get_type_hints(struct, include_extras=True), meanings(struct)
    for field in msgspec.structs.fields(struct):
        if field.name not in taken:
            kind, bounds = shape(hints[field.name])
            yield f"`{field.name}`", kind, _default(field), bounds, said.get(field.name, "")


def shape(hint: Any) -> tuple[str, str]:
    """(kind in words, bounds) of a type as TOML has it."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meta = next(one for one in inner if isinstance(one, msgspec.Meta))
        low, high = meta.ge if meta.ge is not None else meta.gt, meta.le
        above = "> " if meta.gt is not None else ""
        return shape(inner[0])[0], f"{above}{_number(low)} – {_number(high)}"
    if origin in (Union, types.UnionType):
        return shape(next(one for one in inner if one is not type(None)))
    if origin is Literal:
        return " / ".join(map(str, inner)), ""
    if origin is tuple:
        return f"list of {shape(inner[0])[0]}s", ""
    if hint is dict or origin is dict or (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return "table", ""
    return {bool: "true / false", int: "number", float: "number", str: "text", Path: "path"}[hint], ""


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.10g}".replace(",", " ")


def _default(field: Any) -> str:
    if field.default is not msgspec.NODEFAULT:
        value = field.default
    elif field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    else:
        return "required"
    if value is None or value in ("", (), {}) or isinstance(value, msgspec.Struct):
        return ""
    if isinstance(value, tuple):
        value = list(value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`".replace("'", '"')


TABLES: tuple[tuple[str, str, type, tuple[str, ...]], ...] = (
    (
        "praxisd.toml",
        "In the data folder, or where `--config` or PRAXISD_CONFIG says. Read at the start of `serve`; an unknown word or an "
        "impossible value ends it with 2 and names file and word. None of these can be set from the environment or the console, "
        "but for the values of `[settings]`: [settings.md](settings.md).",
        Config,
        (),
    ),
    (
        "relay-hub.toml",
        "Of a relay hub: `praxisd relay-hub serve --config FILE`. Paths count from the file's folder. Only the certificate is "
        "read anew while it runs (SIGHUP).",
        HubConfig,
        ("limits", "nats", "peers"),
    ),
    ("relay-hub.toml: [limits]", "0 means no limit, where nothing else is said.", Limits, ()),
    ("relay-hub.toml: [peers]", "A hub among several.", PeersSettings, ()),
    ("relay-hub.toml: [[peers.nodes]]", "Neighbours known beforehand.", Node, ()),
    ("relay-hub.toml: [nats]", "The message bus between hubs.", NatsSettings, ()),
)  # fmt: skip


def parts(table: Any) -> list[str]:
    """The page's sections; `table(head, rows)` makes one table of Markdown."""
    found = [
        f"## `{name}`\n\n{intro}\n\n{table(HEAD, rows(struct, taken))}"
        for name, intro, struct, taken in TABLES
    ]
    found.insert(
        1, "## `praxisd serve`\n\n" + table(("option", "kind", "default", "meaning"), _quoted(SERVE))
    )
    found.insert(2, "## Environment\n\n" + table(("variable", "read by", "meaning"), _quoted(ENVIRONMENT)))
    return found


def _quoted(lines: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return [(f"`{first}`", *rest) for first, *rest in lines]


def unit_file() -> str:
    """deploy/praxisd.service: what `praxisd service install` writes where the program lies in PROGRAM."""
    wanted = plan.Plan(plan.NAME, plan.USER, plan.HOME, plan.DATA, "127.0.0.1", 8080, f"{PROGRAM}/bin/python")
    return unit.unit(wanted)
