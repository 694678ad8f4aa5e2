"""The configuration file: what must be known before the database is open. TOML, strict, one-line errors."""

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from praxisd.kernel.errors import Problem


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`--config FILE` or `DIR/praxisd.toml`. Durations in seconds.

    `settings` gives values for any declared setting by key; a person's stored value wins over them.
    `public_url` is the address portals use; `trusted_proxies` may set X-Forwarded-For.
    """

    database_url: str | None = None
    database_patience: float = 20.0
    vault_key: str | None = None
    public_url: str | None = None
    instance: str = "praxisd"
    trusted_proxies: tuple[str, ...] = ()
    request_threads: int = 8
    job_threads: int = 2
    max_body_bytes: int = 2_000_000
    log_level: str = "info"
    demo: bool = False
    settings: dict[str, Any] = {}


def load(path: Path | None, folder: Path) -> Config:
    """The configuration from `path`, or from `folder/praxisd.toml` if that exists, else the defaults.

    Raises Problem `config.invalid` with file and line or path of the fault.
    """
    chosen = path or folder / "praxisd.toml"
    if path is None and not chosen.exists():
        return Config()
    try:
        with chosen.open("rb") as file:
            return msgspec.convert(tomllib.load(file), Config, strict=True)
    except FileNotFoundError:
        raise Problem("config.missing", 400, detail=str(chosen), file=str(chosen)) from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Problem("config.invalid", 400, detail=f"{chosen}: {error}", file=str(chosen)) from None
