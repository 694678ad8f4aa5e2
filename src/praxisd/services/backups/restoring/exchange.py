"""praxisd's own data exchanged for those of a backup, at a start, under the lock of the data folder (SPEC 8.5).

Needs no house: the database may be the very thing that is broken. What is to come lies beside, complete and proven, before a
journal says `ready`. Then everything old is moved aside, and only then everything new is moved in: renames within one file
system, each of them found again after a cut, in whatever place it came. What was moved aside stays in
`DIR/backups/before-<time>` and is the material of `undo`, which is the same exchange the other way round.

    ready → [saving → ] moving → [filling → ] done | failed (all as it was)

On PostgreSQL the files are moved likewise; the database is dumped (`saving`), emptied and filled from the dump (`filling`).
"""

import os
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from praxisd.kernel.errors import Problem
from praxisd_guard.durable import discard, move, put, read_json, sync_file, sync_folder

FOLDER, JOURNAL, LAST = "exchange", "journal.json", "last.json"
NEW = "new"
"""Below `FOLDER`: what is to come."""
Phase = Literal["ready", "saving", "moving", "filling", "done", "failed"]
UNDERWAY = ("saving", "moving", "filling")
NOTHING, PENDING, CUT = (
    "backups.exchange_nothing", "backups.exchange_pending", "backups.exchange_stuck",
)  # fmt: skip
FAILED = "backups.exchange_failed"
CODES = (NOTHING, PENDING, CUT, FAILED)
KEPT_S = 30 * 86_400
"""What was moved aside stays so long at least, and the newest always. Seconds."""
_FORMAT = 1
Url = Callable[[], str | None]
"""The address of the database, asked for only where it is a PostgreSQL."""


class Item(msgspec.Struct, frozen=True):
    """One file or folder. Paths are relative to the data folder, or absolute if they lie elsewhere.

    `new` None: nothing comes in its place. `had`: something was there when the exchange began; None before.
    """

    to: str
    old: str
    new: str | None = None
    had: bool | None = None


class Exchange(msgspec.Struct, frozen=True):
    """The journal. `dump` fills a PostgreSQL, `saved` is what it held before. `taken`: the instant of the state that comes.

    `told`: the house has noted it, and which jobs it has paused: (practice, name). `seen`: a person has.
    """

    id: str
    kind: Literal["restore", "undo"]
    phase: Phase
    by: str
    at: int
    taken: int
    before: str
    items: tuple[Item, ...]
    dump: str | None = None
    saved: str | None = None
    ended: int | None = None
    code: str = ""
    detail: str = ""
    told: bool = False
    paused: tuple[tuple[str, str], ...] = ()
    seen: bool = False
    format: int = _FORMAT


def room(folder: Path) -> Path:
    """Where the journal lies, and what is to come: `DIR/backups/exchange`."""
    return folder / "backups" / FOLDER


def known(folder: Path) -> Exchange | None:
    """The exchange that is prepared, under way, or was the last one. None: none, or a journal of a later program."""
    return _read(room(folder) / JOURNAL)


def _read(path: Path) -> Exchange | None:
    found = read_json(path)
    if found is None or found.get("format") != _FORMAT:
        return None
    try:
        return msgspec.convert(found, Exchange)
    except msgspec.ValidationError:
        return None


def before(folder: Path, now: int) -> str:
    """Name of a folder of `DIR/backups` for what is moved aside, or saved, now; there is none of that name yet."""
    name = f"before-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}"
    found, number = name, 1
    while os.path.lexists(folder / "backups" / found):
        number += 1
        found = f"{name}-{number}"
    return found


def prepare(folder: Path, wanted: Exchange) -> Exchange:
    """Make it the one that the next start performs. PENDING (409) while another is ready or under way."""
    free(folder)
    _folder(room(folder))
    last = known(folder)
    if last is not None and last.phase == "done":
        put(room(folder) / LAST, msgspec.json.encode(last))
    _forget_old(folder, wanted.at, _material(wanted.items))
    wanted = msgspec.structs.replace(wanted, paused=_waits(last))
    _write(folder, wanted)
    return wanted


def _waits(last: Exchange | None) -> tuple[tuple[str, str], ...]:
    """What the one before has paused, and nobody has seen yet: it waits on, whatever comes."""
    return () if last is None or last.seen else last.paused


def free(folder: Path) -> None:
    """PENDING (409) while an exchange is ready or under way."""
    last = known(folder)
    if last is not None and last.phase in ("ready", *UNDERWAY):
        raise Problem(PENDING, 409)


def undoable(folder: Path) -> Exchange | None:
    """The last exchange that was done and can be undone."""
    for name in (JOURNAL, LAST):
        found = _read(room(folder) / name)
        if found is not None and found.phase == "done":
            return found if found.before and (folder / "backups" / found.before).is_dir() else None
    return None


def waits(folder: Path) -> bool:
    """True while an exchange is ready or under way: its places must stay where they are."""
    last = known(folder)
    return last is not None and last.phase in ("ready", *UNDERWAY)


def database_moved(folder: Path) -> None:
    """The database lies elsewhere now: what an undo would bring back belongs into its old place, so there is none."""
    for name in (JOURNAL, LAST):
        found = _read(room(folder) / name)
        if found is not None and found.phase == "done" and found.before:
            put(room(folder) / name, msgspec.json.encode(msgspec.structs.replace(found, before="")))


def cancel(folder: Path) -> None:
    """Take back what is ready. NOTHING (404)."""
    last = known(folder)
    if last is None or last.phase != "ready":
        raise Problem(NOTHING, 404)
    if (room(folder) / LAST).is_file():
        move_over(room(folder) / LAST, room(folder) / JOURNAL)
    else:
        (room(folder) / JOURNAL).unlink()
        sync_folder(room(folder))
    if last.kind == "restore":
        discard(room(folder) / NEW)


def move_over(old: Path, new: Path) -> None:
    """Rename, in place of what is there."""
    os.replace(old, new)
    sync_folder(new.parent)


def undo(folder: Path, by: str, now: int) -> Exchange:
    """Prepare the way back of the last exchange that was done. NOTHING (404), PENDING (409)."""
    free(folder)
    last = undoable(folder)
    if last is None:
        raise Problem(NOTHING, 404)
    aside = before(folder, now)
    items = tuple(
        Item(one.to, _aside(folder, one.to, aside, number), one.old if one.had else None)
        for number, one in enumerate(last.items)
    )
    return prepare(
        folder,
        Exchange(
            f"{last.id}-undo", "undo", "ready", by, now, last.at, aside, items,
            dump=last.saved, saved=None if last.saved is None else f"backups/{aside}/database.dump",
        ),
    )  # fmt: skip


def items_of(folder: Path, aside: str, pairs: Iterable[tuple[Path | None, Path]]) -> tuple[Item, ...]:
    """What comes (None: nothing) in which place. What comes from another file system is laid beside its place first."""
    made: list[Item] = []
    for number, (new, to) in enumerate(pairs):
        place = _relative(folder, to)
        near = None if new is None else _near(new, to, number)
        made.append(
            Item(
                place, _aside(folder, place, aside, number), None if near is None else _relative(folder, near)
            )
        )
    return tuple(made)


def settle(folder: Path, url: Url, *, begin: bool) -> Exchange | None:
    """What a start does, and a command that opens the folder, under its lock: bring to its end what is under way; with
    `begin` also what is ready. The exchange that was ended now, or None.

    CUT (500) if neither the old nor the new could be put in place: nothing may be opened then.
    """
    work = known(folder)
    if work is None or work.phase not in (UNDERWAY if not begin else ("ready", *UNDERWAY)):
        return None
    try:
        return _performed(folder, work, url)
    except OSError as error:
        raise Problem(CUT, 500, why=error.strerror or type(error).__name__) from None


def by_hand(folder: Path, taken: int, now: int) -> None:
    """Note that a person has made this data folder of a copy (`taken`): done, and nothing was moved aside (`before` is "")."""
    _folder(folder / "backups")
    _folder(room(folder))
    made = Exchange(f"by-hand-{now}", "restore", "done", "", now, taken, "", (), ended=now)
    _write(folder, msgspec.structs.replace(made, paused=_waits(known(folder))))


def mark(folder: Path, **fields: Any) -> None:
    """Note what came after the last exchange: `told`, `paused`, `seen`."""
    last = known(folder)
    if last is not None:
        _write(folder, msgspec.structs.replace(last, **fields))


def _performed(folder: Path, work: Exchange, url: Url) -> Exchange:
    from praxisd.services.backups.sources import postgres_exchange

    if work.phase == "ready":
        had = tuple(msgspec.structs.replace(one, had=os.path.lexists(folder / one.to)) for one in work.items)
        work = _step(folder, work, "saving" if work.dump else "moving", items=had)
    _folder(folder / "backups" / work.before)
    if work.phase == "saving":
        fault = postgres_exchange.save(url(), folder / (work.saved or ""))
        if fault is not None:
            return _ended(folder, work, "failed", fault.code, fault.detail)
        work = _step(folder, work, "moving")
    if work.phase == "moving":
        try:
            _aside_all(folder, work.items)
            _in_all(folder, work.items)
        except OSError as error:
            _back_all(folder, work.items)
            return _ended(folder, work, "failed", FAILED, error.strerror or type(error).__name__)
        if work.dump:
            work = _step(folder, work, "filling")
    if work.phase == "filling":
        fault = postgres_exchange.fill(url(), folder / (work.dump or ""))
        if fault is not None:
            again = postgres_exchange.fill(url(), folder / (work.saved or ""))
            if again is not None:
                raise Problem(CUT, 500, why=f"{fault.detail}; {again.detail}")
            _back_all(folder, work.items)
            return _ended(folder, work, "failed", fault.code, fault.detail)
        _aside_all(folder, work.items)  # again: a cut while all was put back may have been here
        _in_all(folder, work.items)
    ended = _ended(folder, work, "done", "", "")
    discard(room(folder) / NEW)
    return ended


def _aside_all(folder: Path, items: Sequence[Item]) -> None:
    """The first half: nothing old is in its place afterwards."""
    for one in items:
        to, old = folder / one.to, folder / one.old
        if one.had and not os.path.lexists(old):
            _folder(old.parent)
            _renamed(to, old)
    for place in {(folder / one.to).parent for one in items}:
        if place.is_dir():
            sync_folder(place)


def _in_all(folder: Path, items: Sequence[Item]) -> None:
    """The second half: everything new is in its place afterwards."""
    for one in items:
        to, new = folder / one.to, folder / one.new if one.new else None
        if new is not None and (os.path.lexists(new) or not os.path.lexists(to)):
            _folder(to.parent)
            _renamed(new, to)


def _back_all(folder: Path, items: Sequence[Item]) -> None:
    """Undo both halves, as far as they came."""
    for one in items:
        to, old = folder / one.to, folder / one.old
        new = folder / one.new if one.new else None
        if new is not None and not os.path.lexists(new) and os.path.lexists(to):
            _renamed(to, new)
        if one.had and os.path.lexists(old) and not os.path.lexists(to):
            _renamed(old, to)


def _folder(path: Path) -> None:
    """Make it and those above it, for good: what is moved into a folder is lost with the folder."""
    if path.is_dir():
        return
    _folder(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync_folder(path.parent)


def _renamed(old: Path, new: Path) -> None:
    """For good, in both folders; never onto something: a file that a stranger made there meanwhile is kept beside."""
    if os.path.lexists(new):
        move(new, new.with_name(f"{new.name}.strange-{time.time_ns()}"))
    move(old, new)
    sync_folder(old.parent)


def _step(folder: Path, work: Exchange, phase: Phase, **more: Any) -> Exchange:
    moved = msgspec.structs.replace(work, phase=phase, **more)
    _write(folder, moved)
    return moved


def _ended(folder: Path, work: Exchange, phase: Phase, code: str, detail: str) -> Exchange:
    return _step(folder, work, phase, code=code, detail=detail[:200], ended=int(time.time()))


def _write(folder: Path, work: Exchange) -> None:
    put(room(folder) / JOURNAL, msgspec.json.encode(work))


def _relative(folder: Path, path: Path) -> str:
    whole, top = Path(os.path.abspath(path)), Path(os.path.abspath(folder))
    return str(whole.relative_to(top)) if whole.is_relative_to(top) else str(whole)


def _aside(folder: Path, to: str, aside: str, number: int) -> str:
    """Where the old one goes: into the folder of this exchange, or beside its place on another file system."""
    if _device(folder / to) == _device(folder / "backups" / aside):
        return f"backups/{aside}/{number}-{Path(to).name}"
    return str((folder / to).with_name(f".praxisd-{aside}-{Path(to).name}"))


def _near(new: Path, to: Path, number: int) -> Path:
    """`new` if a rename takes it to its place, else a copy of it beside that place."""
    if _device(new) == _device(to):
        return new
    beside = to.with_name(f".praxisd-new-{number}-{to.name}")
    discard(beside)
    shutil.copyfile(new, beside)
    shutil.copymode(new, beside)
    sync_file(beside)
    sync_folder(beside.parent)
    return beside


def _device(path: Path) -> int:
    """Of the nearest folder that is there."""
    above = path if os.path.lexists(path) and not path.is_symlink() else path.parent
    while not above.is_dir() and above != above.parent:
        above = above.parent
    return above.stat().st_dev


def _material(items: Iterable[Item]) -> str:
    """The folder an undo takes its files from."""
    for one in items:
        parts = Path(one.new or "").parts
        if len(parts) > 1 and parts[0] == "backups" and parts[1].startswith("before-"):
            return parts[1]
    return ""


def _forget_old(folder: Path, now: int, keep: str) -> None:
    """Folders of earlier exchanges that are older than `KEPT_S`; the newest two stay."""
    found = sorted(one for one in (folder / "backups").glob("before-*") if one.is_dir())
    for one in found[:-2]:
        if one.name != keep and one.stat().st_mtime < now - KEPT_S:
            discard(one)
