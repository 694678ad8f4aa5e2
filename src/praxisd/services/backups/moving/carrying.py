"""By a backup medium instead of a plain folder: the copy lies encrypted in the medium's repository, its ticket beside that.

What is carried from one computer to the other can then be lost without harm; on the new computer the password of the medium
or the recovery key opens it.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from praxisd.kernel import moved
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem
from praxisd.services.backups import media_rules, snapshot
from praxisd.services.backups.engine import EngineFault, Progress, Repo
from praxisd.services.backups.engine_checks import engine_of
from praxisd.services.backups.moving.tickets import CARRIED, DAMAGED
from praxisd.services.backups.restoring import bare, opening
from praxisd.services.backups.store import MEDIUM
from praxisd_guard.durable import discard, put

if TYPE_CHECKING:
    from praxisd.kernel.app import House

UNKNOWN, LOCKED = "backups.move_medium_unknown", "backups.move_password_needed"
NO_SHEET = "backups.move_no_sheet"
TAG = "praxisd-move"
"""Of the state in the repository; `bare.MOVE`: it is none of the states that people go back to."""
IDENTITY = "praxisd-medium.json"
STATE = "state"
"""In a ticket's `told`: which state of the repository is the copy."""
_STAGED, _PROOF = "move", "move-proof"


def repository(house: "House", to: Path) -> Repo | None:
    """How the medium in this folder is opened; None for a plain folder. Problems: UNKNOWN (409) for a medium that is none of
    ours; NO_SHEET (409) while nobody has the key on paper that opens it on the new computer; `backups.password_needed`.
    """
    try:
        data = (to / IDENTITY).read_bytes()
    except OSError:
        return None
    from praxisd.services.backups.keys import keeping, keyring

    identity = media_rules.parse(data)
    with house.store.read(system("move", INSTALLATION)) as tx:
        known = None if identity is None else MEDIUM.get(tx, identity.id)
        recovery = keeping.newest_recovery(tx)
    if known is None:
        raise Problem(UNKNOWN, 409, folder=str(to))
    if recovery is None or not keeping.sheet_holds(house, recovery):
        raise Problem(NO_SHEET, 409)
    place, id = str(to / bare.REPOSITORY), known.medium.id
    try:
        keyring.rewrap(house, engine_of(house), place, id)
        keyring.repo_by(house, place, id, keyring.text_of(house, recovery))
    except EngineFault as fault:
        raise opening.problem(fault) from None
    except Problem as problem:
        if problem.code not in ("backups.password_needed", "backups.password_wrong"):
            raise
        raise Problem(NO_SHEET, 409) from None  # a medium that is held back has an older key
    return keyring.repo_of(house, place, id)


def carry(house: "House", to: Path, repo: Repo, progress: Progress) -> tuple[Path, str]:
    """Copy into the repository, give it back once and compare. Answers the folder for the ticket, and the state's id.

    Problems: those of the engine, `tickets.DAMAGED` (409).
    """
    below = house.folder / "backups"
    below.mkdir(mode=0o700, exist_ok=True)
    proof = below / _PROOF
    engine = engine_of(house)
    discard(proof)

    def stop() -> bool:
        return house.stopping

    try:
        taken = snapshot.take(house, _made(below / _STAGED), progress=progress, stop=stop, inside=True)
        state = engine.back_up(
            repo,
            [taken.folder],
            tags=(TAG, f"medium={TAG}"),
            at=taken.at,
            host=house.config.instance,
            progress=progress,
            stop=stop,
        )
        engine.restore(repo, state.id, proof, progress=progress, stop=stop)
        wrong = [one.path for one in state.named] + snapshot.proven(found(proof, None))
        if wrong:
            raise Problem(DAMAGED, 409, what=Path(wrong[0]).name, more=len(wrong) - 1)
        manifest = (taken.folder / snapshot.MANIFEST).read_bytes()
    except EngineFault as fault:
        raise opening.problem(fault) from None
    finally:
        discard(proof)
        discard(below / _STAGED)
    carried = to / CARRIED
    discard(carried)
    put(_made(carried) / snapshot.MANIFEST, manifest)
    return carried, state.id


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def opened(scratch: Path, carried: Path, password: str | None, told: dict[str, Any]) -> bare.Medium:
    """On the new computer: the medium, opened with what a person typed; the engine keeps what it needs in `scratch`.

    Problems: LOCKED (409) where nothing was typed, those of the engine.
    """
    if not password:
        raise Problem(LOCKED, 409, place=str(carried.parent))
    medium = bare.medium(scratch, carried.parent, password)
    medium.state(str(told.get(STATE)))
    return medium


def fetch(medium: bare.Medium, told: dict[str, Any], into: Path, manifest: str) -> Path:
    """Give the copy back below `into`, which is new: where its list of contents lies. Problems as of an engine; DAMAGED."""
    state = medium.state(str(told.get(STATE)))
    try:
        medium.engine.restore(
            medium.repo, state.id, into, progress=lambda _done, _whole: None, stop=lambda: False
        )
    except EngineFault as fault:
        raise opening.problem(fault) from None
    return found(into, manifest)


def found(below: Path, manifest: str | None) -> Path:
    """The copy that was given back: whole paths lie below, however the old computer named them. Problem DAMAGED (409)."""
    for one in sorted(below.rglob(snapshot.MANIFEST), key=lambda path: len(path.parts)):
        if manifest is None or moved.digest(one) == manifest:
            return one.parent
    raise Problem(DAMAGED, 409, what=snapshot.MANIFEST, more=0)
