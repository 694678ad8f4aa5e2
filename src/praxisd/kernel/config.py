"""The configuration file: what must be known before the database is open. TOML, strict, one-line errors."""

import ipaddress
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from praxisd.kernel.errors import Problem

LOG_LEVELS = ("debug", "info", "warning", "error")
LEAST_BODY = 1000
"""Smallest limit of a request's body that leaves room for one appointment. Bytes."""
MOST_THREADS = 1000
_DATABASES = ("sqlite:", "postgresql:", "postgresql+psycopg:", "postgres:")
SAMPLE = ("access.json", "run/access.json")
"""Which of these files lies in a data folder tells that `praxisd demo` has filled it with its sample practice."""


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`--config FILE` or `DIR/praxisd.toml`. What stands under a word is printed in docs/reference/configuration.md."""

    database_url: str | None = None
    """`postgresql://user:password@host/name`; left out: SQLite in the data folder. Holds a secret: keep the file to yourself."""
    database_patience: float = 20.0
    """Seconds a start waits for a database that does not answer; then it ends with `store.unreachable`. 0 or more."""
    vault_key: str | None = None
    """Path of the key file for sealed secrets, the same on all nodes; left out: `vault.key` in the data folder."""
    public_url: str | None = None
    """`https://name` by which portals and browsers reach the practice; left out: as each request says."""
    updates_root: str | None = None
    """Path of the `root.json` by which updates are trusted; left out: `updates/root.json` in the data folder."""
    instance: str = "praxisd"
    """How this installation is called: shown in the console and by `praxisd service status`."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed."""
    request_threads: int = 8
    """Requests worked on at the same time. 1 to 1000."""
    job_threads: int = 2
    """Jobs at work at the same time. 1 to 1000."""
    job_lease_s: int = 30
    """Seconds after which the run of a server that gave no sign of life is taken over by another. 2 to 3600."""
    max_body_bytes: int = 2_000_000
    """Longer requests are refused (413). Bytes, at least 1000."""
    log_level: str = "info"
    """What goes into the log: debug, info, warning or error."""
    demo: bool = False
    """This is a sample practice; found out by itself where `praxisd demo` made it."""
    development: bool = False
    """The console shows what only its makers need. Never in a practice."""
    trial: dict[str, int] = {}
    """Values for tortures, which cannot wait as long as real life has to; only with `development`."""
    settings: dict[str, Any] = {}
    """`[settings]`: values for any setting, `"calendar.hold_seconds" = 600`; what a person stored wins over them."""


def load(path: Path | None, folder: Path) -> Config:
    """The configuration from `path`, or from `folder/praxisd.toml` if that exists, else the defaults.

    Raises Problem `config.invalid` (400) with the file, and the line or the word at fault; never its value,
    which may be a secret.
    """
    chosen = path or folder / "praxisd.toml"
    sample = any((folder / one).is_file() for one in SAMPLE)
    if path is None and not chosen.exists():
        return Config(demo=sample)
    try:
        with chosen.open("rb") as file:
            found = msgspec.convert(tomllib.load(file), Config, strict=True)
        _check(found)
    except FileNotFoundError:
        raise Problem("config.missing", 400, detail=str(chosen), file=str(chosen)) from None
    except (OSError, ValueError) as error:  # TOML's, msgspec's and our own are all ValueErrors
        said = error.strerror if isinstance(error, OSError) else error
        raise Problem("config.invalid", 400, detail=f"{chosen}: {said}", file=str(chosen)) from None
    return msgspec.structs.replace(found, settings=dict(_flat(found.settings)), demo=found.demo or sample)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their full key: `a.b = 1` without quotes is a table in TOML and means the same here."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _check(config: Config) -> None:
    """ValueError that names the first word whose value the program could not work with."""
    if config.database_url and not config.database_url.startswith(_DATABASES):
        raise ValueError("database_url: postgresql://… or sqlite:///…")
    if not (math.isfinite(config.database_patience) and config.database_patience >= 0):
        raise ValueError("database_patience: seconds, 0 or more")
    for word in ("request_threads", "job_threads"):
        if not 1 <= getattr(config, word) <= MOST_THREADS:
            raise ValueError(f"{word}: 1 to {MOST_THREADS}")
    if config.trial and not config.development:
        raise ValueError("trial: only with development = true")
    if not 2 <= config.job_lease_s <= 3600:
        raise ValueError("job_lease_s: seconds, 2 to 3600")
    if config.max_body_bytes < LEAST_BODY:
        raise ValueError(f"max_body_bytes: {LEAST_BODY} or more")
    if config.log_level not in LOG_LEVELS:
        raise ValueError(f"log_level: {', '.join(LOG_LEVELS)}")
    if config.public_url is not None and not _is_address(config.public_url):
        raise ValueError("public_url: https://name or http://name, without user, ? and #")
    for one in config.trusted_proxies:
        try:
            ipaddress.ip_network(one, strict=False)
        except ValueError:
            raise ValueError(f"trusted_proxies: {one!r} is no address or network") from None


def _is_address(url: str) -> bool:
    """True for an absolute http(s) address that paths can be put behind."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    printable = url.isprintable() and " " not in url
    plain = not (parts.query or parts.fragment or "@" in parts.netloc) and port != 0
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and printable
