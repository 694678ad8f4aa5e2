"""`guard.json`: what the guard of one HOME is told, once, by who installs it."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from praxisd_guard.durable import put, put_json, read_json
from praxisd_guard.places import Places


@dataclass(frozen=True)
class Told:
    """`guard.json`: what the guard is told."""

    data: Path
    """The data folder."""
    host: str = "127.0.0.1"
    port: int = 8080
    """0: the guard takes a free port and writes it here (`keep_port`)."""
    config: Path | None = None
    root: bool = False
    """True when HOME/root.json was given: signed versions can be installed."""
    limits: dict[str, float] = field(default_factory=dict)
    """Seconds that differ from the guard's own (for tests): see `praxisd_guard.watch`."""


def found(
    home: Path,
    data: Path,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    config: Path | None = None,
    root: bytes | None = None,
    limits: dict[str, float] | None = None,
) -> Told:
    """Make HOME for one data folder, or tell an existing one anew; `root` is the content of a TUF root.

    An older `root.json` stays unless a new one is given. The first version comes by `adopt`.
    """
    places = Places(home)
    places.make()
    if root is not None:
        put(places.root, root)
    told = Told(
        data.absolute(),
        host,
        port,
        config.absolute() if config else None,
        places.root.is_file(),
        limits or {},
    )
    _write(places, told)
    return told


def read(home: Path) -> Told | None:
    """What `guard.json` says, or None where HOME was never founded."""
    content = read_json(Places(home).settings)
    if content is None or not isinstance(content.get("data"), str):
        return None
    config = content.get("config")
    limits = content.get("limits")
    return Told(
        Path(content["data"]),
        str(content.get("host", "127.0.0.1")),
        int(content.get("port", 8080)),
        Path(config) if isinstance(config, str) else None,
        Places(home).root.is_file(),
        {k: float(v) for k, v in limits.items()} if isinstance(limits, dict) else {},
    )


def keep_port(home: Path, port: int) -> None:
    """Write the port the guard got where it was to take a free one, so that a restart has the same."""
    told = read(home)
    if told is not None and told.port != port:
        _write(Places(home), Told(told.data, told.host, port, told.config, told.root, told.limits))


def _write(places: Places, told: Told) -> None:
    content: dict[str, Any] = {
        "data": str(told.data),
        "host": told.host,
        "port": told.port,
        "config": None if told.config is None else str(told.config),
        "root": told.root,
    }
    if told.limits:
        content["limits"] = told.limits
    put_json(places.settings, content)
