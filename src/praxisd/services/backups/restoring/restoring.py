"""A restore as a run: asked for, done, and named what did not come back as it was (SPEC 8.5).

To a folder: what the engine writes there, and nothing anywhere else. In place: files through `placing`, praxisd's own data
through `own_place` and the exchange at the next start; what a program of others has to read in (a dump) is left out and said.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import events, migrations
from praxisd.kernel.access import Actor
from praxisd.kernel.engines import Sqlite as SqliteEngine
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.model.backup import Figures
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.engine import Named, Progress, Restored, Snapshot, Stop
from praxisd.services.backups.restoring import exchange, manifest, opening, own_place, placing, targets, typed
from praxisd.services.backups.restoring.manifest import Manifest, Part
from praxisd.services.backups.restoring.opening import Opened
from praxisd.services.backups.restoring.own_place import Here
from praxisd.services.backups.restoring.shapes import RestoreIn
from praxisd.services.backups.sources import hashing, places

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OWN = (own_place.DATABASE, own_place.BESIDE)
PARTLY, NO_SOURCE, OWN_WHOLE, NO_PLACE, PENDING = (
    "backups.restored_partly", "backups.restore_source", "backups.restore_own_whole", "backups.restore_no_place",
    "backups.restored_waits",
)  # fmt: skip
CODES = (PARTLY, NO_SOURCE, OWN_WHOLE, NO_PLACE, PENDING)
Note = Callable[..., None]
_HARMLESS = ("special",)
"""No copy holds a socket, and none needs to: it is named, and nothing is wrong."""


def check(house: "House", actor: Actor, wanted: RestoreIn) -> None:
    """What can be said before the medium is there. Problems: those of `targets`, `backups.restore_state_gone`,
    `backups.restore_path`, `backups.exchange_pending`; `http.not_found`. Asks the disk: never inside a transaction.
    """
    from praxisd.services.backups.plans import drives

    with house.store.read(actor) as tx:
        kept = store.SNAPSHOT.get(tx, wanted.snapshot)
        media = [one.path for one in drives.here(house, tx)]
    if kept is None:
        raise not_found(opening.SUBJECT)
    if kept.gone is not None:
        raise opening.gone()
    for one in wanted.only:
        opening.path(one)
    if wanted.target.kind == "folder":
        targets.checked(wanted.target.path, house.folder, media)
    elif set(wanted.sources) & set(OWN) or not (wanted.sources or wanted.only):
        exchange.free(house.folder)


def ask(house: "House", tx: Tx, wanted: RestoreIn, by: str) -> RunKept:
    """A run of kind restore, for what `check` found good; with `hold` the medium is kept back from now on.

    The transaction writes. `http.not_found` if the state went meanwhile.
    """
    from praxisd.services.backups.plans import media
    from praxisd.services.backups.runs import asking

    kept = store.SNAPSHOT.get(tx, wanted.snapshot)
    if kept is None:
        raise not_found(opening.SUBJECT)
    if wanted.hold:
        media.hold(tx, kept.medium, True)
    id = new_id()
    typed.keep(house, tx, id, wanted.password)
    facts: dict[str, Any] = {
        "snapshot": kept.id,
        "only": [opening.key(opening.path(one)) for one in wanted.only],
        "sources": list(wanted.sources),
        "target": {"kind": wanted.target.kind, "path": wanted.target.path},
        "hold": wanted.hold,
    }
    return asking.ask(house, tx, "restore", medium=kept.medium, by=by, facts=facts, id=id)


def restore(
    house: "House", run: RunKept, *, progress: Progress, stop: Stop, note: Note = lambda **_: None
) -> RunKept:
    """Do it. The run as it ended, `named` what is not as it was. `note` keeps facts of the run at once, whatever its end will
    be. Problems of `opening.opened` and `CODES`; EngineFault.
    """
    facts = dict(run.facts)
    began = house.clock.monotonic()
    found = opening.opened(house, str(facts["snapshot"]), typed.take(house, run.id))
    snapshot = manifest.of(found.engine, found.repo, found.kept.engine_id)
    if snapshot is None:
        raise opening.gone()
    work = _Work(house, run, found, snapshot, progress, stop, note)
    only = [opening.path(one) for one in facts.get("only", ())]
    names = [str(one) for one in facts.get("sources", ())]
    target = facts.get("target", {})
    if target.get("kind") == "place":
        work.into_place(only, names)
    else:
        work.into_folder(Path(target["path"]), only, names)
    seconds = max(0, round(house.clock.monotonic() - began))
    state, code = work.ended()
    return msgspec.structs.replace(
        run,
        state=state,
        code=code,
        snapshot=found.kept.id,
        figures=Figures(work.bytes, work.files, 0, seconds),
        named_count=len(work.named),
        named=tuple((one.path, one.code) for one in work.named),
        facts=work.facts,
    )


def here(house: "House") -> Here:
    """What is praxisd's own on this computer."""
    engine = house.store.engine
    database = engine.path if isinstance(engine, SqliteEngine) else None
    vault = Path(house.config.vault_key) if house.config.vault_key else None
    return Here(house.folder, database, vault, migrations.heads(house.registry))


class _Work:
    """One restore. What it amounts to is added up here."""

    def __init__(
        self,
        house: "House",
        run: RunKept,
        found: Opened,
        snapshot: Snapshot,
        progress: Progress,
        stop: Stop,
        note: Note,
    ) -> None:
        self._house, self._run, self._found, self._snapshot = house, run, found, snapshot
        self._progress, self._stop, self._note = progress, stop, note
        self.files = self.bytes = 0
        self.named: list[Named] = []
        self.facts: dict[str, Any] = {}
        with house.store.read(opening.SYSTEM) as tx:
            made = store.RUN.get(tx, found.kept.run)
        self._then = () if made is None else made.named

    def ended(self) -> tuple[Any, str]:
        """State and code: what is named, or left out, is a warning; what waits for a start is good and says so."""
        grave = any(one.code not in _HARMLESS for one in self.named)
        if grave or self.facts.get("leftOut"):
            return "warning", PARTLY
        return "good", PENDING if self.facts.get("exchange") else ""

    def into_folder(self, into: Path, only: list[str], names: list[str]) -> None:
        """Everything asked for, below `into` under its whole path; all of a source is compared with the manifest."""
        house = self._house
        with house.store.read(opening.SYSTEM) as tx:
            media = [one.path for one in store.DRIVE.all(tx)]
        into = targets.checked(str(into), house.folder, media)
        told = self._told() if names or not only else None
        parts = self._parts(told, names) if told is not None and names else []
        wanted = only + [manifest.listed(path) for one in parts for path in one.paths]
        back = self._engine(into, wanted)
        self._add(back)
        whole = parts if names else (list(told.sources) if told is not None else [])
        self.named += manifest.joined(into, whole, self._stop)
        known = {places.printable(one.path) for one in self.named} | {path for path, _ in self._then}
        for one in whole:
            self._compare(into, one, known)
        self._also(wanted)
        self.facts["target"] = {"kind": "folder", "path": str(into)}

    def into_place(self, only: list[str], names: list[str]) -> None:
        """Files to where they were, praxisd's own ready for the next start, what is left is named by its source."""
        told = self._told()
        everything = not only and not names
        parts = list(told.sources) if everything else self._parts(told, names)
        own = [one for one in parts if one.name in OWN]
        files = self._wanted(told, only, [one for one in parts if one not in own and one.kind == "folders"])
        left = [one.name for one in parts if one not in own and one.kind != "folders"]
        if not (own or files):
            raise Problem(NO_PLACE, 409)
        if own:
            exchange.free(self._house.folder)
        saved = self._house.folder / "backups" / exchange.before(self._house.folder, self._house.clock.now())
        if files:  # known before the first file is exchanged: what is cut off can be undone too
            self.facts["before"] = saved.name
            self._note(before=saved.name)
        for number, (base, pairs) in enumerate(files.items()):
            self._place(base, pairs, saved / str(number), number)
        self._also([path for pairs in files.values() for path, _ in pairs])
        if own:
            self._own()
        if left:
            self.facts["leftOut"] = left

    def _also(self, wanted: list[str]) -> None:
        """What was not as it should be when the state was made, and is of what was asked for: a restore cannot mend it."""
        tops = [places.printable(one) for one in wanted]
        known = {places.printable(one.path) for one in self.named}
        for path, code in self._then:
            if path not in known and (not tops or any(_below(path, top) for top in tops)):
                self.named.append(Named(path, code))  # type: ignore[arg-type]

    def _told(self) -> Manifest:
        scratch = self._house.folder / "backups" / "scratch"
        return manifest.read(self._found.engine, self._found.repo, self._snapshot, scratch, self._stop)

    def _parts(self, told: Manifest, names: list[str]) -> list[Part]:
        found = [told.part(one) for one in names]
        if None in found:
            raise Problem(NO_SOURCE, 409)
        return [one for one in found if one is not None]

    def _engine(self, into: Path, only: list[str]) -> Restored:
        return self._found.engine.restore(
            self._found.repo, self._snapshot.id, into, only=only, progress=self._progress, stop=self._stop
        )

    def _add(self, back: Restored) -> None:
        self.files += back.files
        self.bytes += back.bytes
        self.named += back.named

    def _compare(self, into: Path, part: Part, known: set[str]) -> None:
        """Files that came back but are not as they were copied. Those the run named then are not looked at."""
        known = known | {places.printable(one.path) for one in part.staged().named}
        for path, digest in part.hashes.items():
            if places.printable(path) in known:
                continue
            places.stopped(self._stop)
            try:
                same = hashing.same(places.inside(into, path), digest, self._stop)
            except places.Outside:
                self.named.append(Named(path, "outside"))
                continue
            except OSError:
                continue  # the engine names what it could not write
            if not same:
                self.named.append(Named(path, "changed"))

    def _wanted(self, told: Manifest, only: list[str], parts: list[Part]) -> dict[str, list[tuple[str, str]]]:
        """By the folder that was backed up: paths in the state, and where they belong."""
        found: dict[str, list[tuple[str, str]]] = {}
        for part in parts:
            base = self._base(part)
            for path in part.paths:
                found.setdefault(base, []).append((manifest.listed(path), _origin(part, base, path)))
        for path in only:
            tops = [(one, top) for one in told.sources for top in one.paths]
            holds = [(one, top) for one, top in tops if _below(path, manifest.listed(top))]
            if not holds:
                raise Problem(NO_PLACE, 409)
            part, top = holds[0]
            if part.name in OWN or part.kind != "folders":
                raise Problem(OWN_WHOLE if part.name in OWN else NO_PLACE, 409)
            base = self._base(part)
            rest = path[len(manifest.listed(top)) :].lstrip("/")
            origin = _origin(part, base, top)
            found.setdefault(base, []).append(
                (path, os.path.join(origin, *rest.split("/")) if rest else origin)
            )
        return found

    def _base(self, part: Part) -> str:
        """The folder that was backed up, exactly: as the source is set up, if it still is, else as the state tells it."""
        shown = str(part.facts.get("folder", ""))
        with self._house.store.read(opening.SYSTEM) as tx:
            kept = store.SOURCE.get(tx, part.name)
        set_up = "" if kept is None else str(kept.spec.get("path", ""))
        led_to = os.path.realpath(set_up) if set_up else ""  # a link to a folder: that is what was copied
        for one in (set_up, led_to, shown):
            if (
                one
                and os.path.isabs(one)
                and places.printable(one) == shown
                and (one is not shown or "\\x" not in one)
            ):
                return one
        raise Problem(NO_PLACE, 409)

    def _place(self, base: str, pairs: list[tuple[str, str]], saved: Path, number: int) -> None:
        back = self._house.folder / "backups" / "scratch" / f"place-{number}"
        self._add(named := self._engine(back, [path for path, _ in pairs]))
        size = named.bytes
        placed = placing.Placing(base, saved, progress=self._progress, stop=self._stop, whole=size)
        for path, origin in pairs:
            try:
                there = places.inside(back, path if os.name != "nt" else path.lstrip("/"), link=True)
            except places.Outside:
                self.named.append(Named(path, "outside"))
                continue
            if os.path.lexists(there):
                placed.place(there, origin)
        self.named += placed.result.named
        self.files = self.files - named.files + placed.result.files + placed.result.same

    def _own(self) -> None:
        house, found = self._house, self._found
        made = own_place.ready(
            here(house), found.engine, found.repo, self._snapshot,
            by=self._run.by, now=house.clock.now(), progress=self._progress, stop=self._stop,
        )  # fmt: skip
        with house.store.write(opening.SYSTEM) as tx:
            events.note(tx, "backup_exchange.ready", "BackupExchange", made.id, kind=made.kind)
        self.facts["exchange"] = True
        self.facts["taken"] = made.taken


def _origin(part: Part, base: str, path: str) -> str:
    """Where a staged path belongs: it is in place already, or is the copy of the whole folder made in a quiet window."""
    inside = os.path.normpath(path) == os.path.normpath(base) or _below(
        manifest.listed(path), manifest.listed(base)
    )
    return path if inside else base


def _below(path: str, top: str) -> bool:
    return path == top or path.startswith(top.rstrip("/") + "/")
