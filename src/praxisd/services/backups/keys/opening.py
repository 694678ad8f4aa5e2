"""Which password opens a medium: the one that is noted, else whichever does, else who has to be asked for which."""

from datetime import datetime
from typing import TYPE_CHECKING

from praxisd.kernel.errors import Problem
from praxisd.kernel.job_plan import zone_name, zone_of
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Secret, Wrap
from praxisd.services.backups import engine as codes
from praxisd.services.backups import store
from praxisd.services.backups.engine import Engine, EngineFault, Repo
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.keys import alphabet, keeping

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NEEDED, LATER = "backups.password_needed", "backups.password_later"


def repo_of(house: "House", place: str, medium: str) -> Repo:
    """The repository with the password that opens it.

    What is noted for the medium and lies there is answered without trying. Else each is tried: passwords of this medium,
    the others from the newest back, recovery keys. Problems `backups.password_needed` {number, since} (409) where one of ours
    is known to open it but the vault cannot read it; `backups.password_later` (409) where what is noted for it was read and
    does not open it: it was changed after this database was taken; `backups.password_wrong` (409) where nothing is noted.
    EngineFault of the engine for what is not about passwords.
    """
    engine = engine_of(house)
    with house.store.read(keeping.OWN) as tx:
        noted, secrets = keeping.wraps(tx, medium), _in_order(tx, medium)
    there = engine.key_names(place)
    for one in noted:
        text = _text(house, secrets, one)
        if text is not None and _lies(one, there):
            return Repo(place, text, one.key)
    for secret in secrets:
        text = keeping.readable(house, secret)
        key = None if text is None else opens(engine, Repo(place, text))
        if text is not None and key is not None:
            return Repo(place, text, key)
    raise needed(house, medium, tried=True)


def repo_by(house: "House", place: str, medium: str, text: str) -> Repo:
    """The repository with what a person typed: the recovery key, however it is spaced, or a password.

    Problems as `repo_of`; `backups.recovery_key_mistyped` (422) with the group that is wrong.
    """
    repo = Repo(place, alphabet.typed(text))
    if opens(engine_of(house), repo) is None:
        repo_of(house, place, medium)  # where none of ours opens it, that says why
        raise needed(house, medium)
    return repo


def needed(house: "House", medium: str, tried: bool = False) -> Problem:
    """Which password has to be typed for this medium: the newest that is noted for it. `tried`: it does not open it, unless the
    vault cannot read it; so it is one of later, of which nothing is known here.
    """
    with house.store.read(keeping.OWN) as tx:
        every = sorted(store.WRAP.by(tx, "medium", medium), key=lambda one: (one.until is None, one.no))
        found = [one for one in every if one.kind == "password"]
        secret = store.SECRET.get(tx, str(found[-1].no)) if found else None
        zone = zone_of(zone_name(house, tx))
    if secret is None:
        return Problem(codes.PASSWORD_WRONG, 409)
    if tried and keeping.readable(house, secret) is not None:
        return Problem(LATER, 409)
    since = datetime.fromtimestamp(secret.since, zone)
    return Problem(NEEDED, 409, number=secret.no, since=f"{since:%d.%m.%Y}")


def opens(engine: Engine, repo: Repo) -> str | None:
    """The engine's id of the key that this password is, or None if it does not open the repository. Tried: half a second."""
    try:
        found = engine.keys(repo)
    except EngineFault as fault:
        if fault.code == codes.PASSWORD_WRONG:
            return None
        raise
    return next(one.id for one in found if one.current)


def _text(house: "House", secrets: list[Secret], one: Wrap) -> str | None:
    found = next((secret for secret in secrets if (secret.kind, secret.no) == (one.kind, one.no)), None)
    return None if found is None else keeping.readable(house, found)


def _lies(one: Wrap, there: tuple[str, ...] | None) -> bool:
    """Is this key on the medium? Its name is the digest of its content; so it still is what it was."""
    return there is not None and bool(one.key) and any(name.startswith(one.key) for name in there)


def _in_order(tx: Tx, medium: str) -> list[Secret]:
    """Those noted for the medium first, then all passwords from the newest back, then recovery keys."""
    noted = {(one.kind, one.no) for one in keeping.wraps(tx, medium)}
    every = keeping.passwords(tx) + keeping.recovery_keys(tx)
    return sorted(every, key=lambda one: (one.kind, one.no) not in noted)
