"""Runs as doors, commands and paper show them. Persons are not named to a masked caller, files only to who may restore."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel import sentences
from praxisd.kernel.clock import format_rfc3339
from praxisd.model.backup_kept import RunKept
from praxisd.services.backups import store
from praxisd.services.backups.plans import labels, planning
from praxisd.services.backups.runs import recording
from praxisd.services.backups.runs.shapes import BackupRunDetail, BackupRunOut, NamedFileOut, RunSourceOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

BY_PLAN = "plan"
_SEES_FILES = "backups.restore"


def shown(house: "House", tx: "Tx", runs: Iterable[RunKept], lang: str) -> tuple[BackupRunOut, ...]:
    """These runs."""
    found = tuple(runs)
    names = _names(house, tx, {one.by for one in found}, lang)
    media = {one.medium.id: one.medium.label for one in store.MEDIUM.all(tx)}
    zone = planning.zone(house, tx)

    def at(instant: int | None) -> str | None:
        return None if instant is None else format_rfc3339(instant, zone)

    return tuple(
        BackupRunOut(
            id=one.id,
            kind=one.kind,
            day=one.day.isoformat(),
            job=one.job,
            slot=one.slot,
            label=labels.label(house, one.slot, lang) if one.slot else media.get(one.medium, ""),
            medium=one.medium,
            medium_label=media.get(one.medium, ""),
            state=one.state,
            step=one.step,
            done=one.done,
            whole=one.whole,
            asked=format_rfc3339(one.asked, zone),
            began=at(one.began),
            ended=at(one.ended),
            by=names.get(one.by, one.by),
            code=one.code,
            detail=one.detail,
            waits=str(one.facts.get("waits", "")) if one.state == "waiting" else "",
            figures=one.figures,
            named_count=one.named_count,
            snapshot=one.snapshot,
            **_words(house, one, lang),
        )
        for one in found
    )


def single(house: "House", tx: "Tx", run: RunKept, lang: str) -> BackupRunOut:
    """This run."""
    return shown(house, tx, (run,), lang)[0]


def detail(house: "House", tx: "Tx", run: RunKept, lang: str) -> BackupRunDetail:
    """This run with its sources, and its files where the caller may see them."""
    told = single(house, tx, run, lang)
    sees = tx.actor.may(_SEES_FILES) and not tx.actor.masked
    named = tuple(NamedFileOut(path=path, code=code) for path, code in run.named) if sees else None
    sources = run.facts.get("sources")
    rows = sources if isinstance(sources, dict) else {}  # a restore keeps a list of names there
    return BackupRunDetail(
        **{name: getattr(told, name) for name in told.__struct_fields__},
        sources=tuple(_source(house, name, said, lang) for name, said in rows.items()),
        named=named,
    )


def to_json(one: msgspec.Struct) -> dict[str, Any]:
    """As a command answers it."""
    found: dict[str, Any] = msgspec.to_builtins(one)
    return found


def params(run: RunKept) -> dict[str, Any]:
    """What fills the texts of its code."""
    said = run.facts.get("params")
    return {**(said if isinstance(said, dict) else {}), "count": run.named_count}


def _words(house: "House", run: RunKept, lang: str) -> dict[str, str]:
    if not run.code:
        return {"title": "", "solution": ""}
    code = run.code
    if code == recording.STOPPED and run.kind != "backup":
        read = run.kind in ("verify", "prove")
        code = recording.STOPPED_READING if read else recording.STOPPED_RESTORE
    found = labels.code_words(house, code, lang, **params(run))
    return {"title": found["title"] or run.code, "solution": found["solution"]}


def _source(house: "House", name: str, said: dict[str, Any], lang: str) -> RunSourceOut:
    code = str(said.get("code", ""))
    return RunSourceOut(
        name=name,
        kind=str(said.get("kind", "")),
        rows=int(said.get("rows", 0)),
        files=int(said.get("files", 0)),
        code=code,
        title=labels.code_words(house, code, lang)["title"] if code else "",
    )


def _names(house: "House", tx: "Tx", labelled: set[str], lang: str) -> dict[str, str]:
    """Who asked, in words; what is no label of an actor is a name that was typed, and stays."""
    by_plan = house.texts.get("backups.by_plan", lang)
    actors = {one for one in labelled if ":" in one}
    names = {one: sentences.actor_names(house, tx, [one], lang)[one] for one in actors}
    typed = {one: "" if tx.actor.masked else one for one in labelled - actors}
    return {**typed, **names, BY_PLAN: by_plan}
