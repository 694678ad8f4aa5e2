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
    """`--config FILE` or `DIR/praxisd.toml`. Durations in seconds.

    `job_lease_s`: a run whose server gave no sign of life for so long is taken over by another (2 to 3600).
    `settings` gives values for any declared setting by key; a person's stored value wins over them.
    `public_url` is the address portals use; `updates_root` a file with the root by which updates are trusted (SPEC 6.1).
    `trusted_proxies` may set X-Forwarded-For. `demo`: this is a sample practice, as `load` finds out by itself.
    `development` lets the console show what only its makers need. `trial` gives
    values that nobody may set in a practice, by key: tortures cannot wait as long as real life has to. It counts only with
    `development`.
    """

    database_url: str | None = None
    database_patience: float = 20.0
    vault_key: str | None = None
    public_url: str | None = None
    updates_root: str | None = None
    instance: str = "praxisd"
    trusted_proxies: tuple[str, ...] = ()
    request_threads: int = 8
    job_threads: int = 2
    job_lease_s: int = 30
    max_body_bytes: int = 2_000_000
    log_level: str = "info"
    demo: bool = False
    development: bool = False
    trial: dict[str, int] = {}
    settings: dict[str, Any] = {}


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
