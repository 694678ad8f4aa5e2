"""A server that does backups and may be killed: a process of its own with a house, which says what it is at."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from praxisd.model.backup_kept import RunKept
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.runs.recording import Recorder
from praxisd.testing.backup_torture_scene import Practice

BEGIN, END = "begin", "record"
PATIENCE_S = 180.0
Make = Callable[[Path], Restic]


class Worker:
    """A server that does backups: a process of its own with the house, forked from one that has read all modules."""

    def __init__(self, folder: Path, engine: Make, path: Path, task: str, *more: Any) -> None:
        context = multiprocessing.get_context("fork")
        self._ours, theirs = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_work, args=(folder, engine, path, task, theirs, more), daemon=True
        )
        self.process.start()
        theirs.close()

    def hear(self) -> Any:
        """The next word it says; None once it is gone. TimeoutError after `PATIENCE_S`."""
        if not self._ours.poll(PATIENCE_S):
            raise TimeoutError("the worker says nothing")
        try:
            return self._ours.recv()
        except EOFError:
            return None

    def said(self, patience_s: float) -> bool:
        """Has it something to say (or is it gone) within so long?"""
        return self._ours.poll(patience_s)

    def kill(self) -> None:
        """kill -9, and what it started goes its own way."""
        self.process.kill()
        self.process.join(30)

    def answer(self) -> dict[str, Any]:
        """Its last word. RuntimeError with what it fell over."""
        last: Any = None
        while (word := self.hear()) is not None:
            last = word
        self.process.join(30)
        if not isinstance(last, dict) or "fell" in last:
            raise RuntimeError(f"the worker fell: {last}")
        return last


def _work(folder: Path, engine: Make, path: Path, task: str, says: Connection, more: tuple[Any, ...]) -> None:
    """In the process. Words: (step, begun) of a run, then one dict."""
    step, end = Recorder.step, Recorder.end

    def told(recorder: Recorder, name: str) -> None:
        says.send((name, time.monotonic()))
        step(recorder, name)

    def last(recorder: Recorder, *given: Any, **fields: Any) -> RunKept:
        says.send((END, time.monotonic()))
        return end(recorder, *given, **fields)

    Recorder.step, Recorder.end = told, last  # type: ignore[method-assign, assignment]
    try:
        says.send(_done(folder, engine, path, task, says, more))
    except BaseException as error:
        says.send({"fell": repr(error)})
    finally:
        says.close()
        os._exit(0)


def _done(
    folder: Path, engine: Make, path: Path, task: str, says: Connection, more: tuple[Any, ...]
) -> dict[str, Any]:
    practice = Practice.opened(folder, engine, path)
    if task == "plan":
        practice.plan(newest=more[0])
    if task in ("plan", "run"):
        asked = practice.ask()
        says.send((BEGIN, time.monotonic(), asked.id))
        practice.work()
        says.send(("done", time.monotonic()))
    if task == "next":  # as the job does at the next start
        practice.work()
        if practice.runs()[-1].state != "good":
            practice.run()
    states = practice.states()
    there = [one.engine_id for one in states]
    wanted = [(id, at) for id, at in (more[0] if task in ("next", "restore") else ()) if id in there]
    if task == "next":
        wanted = wanted[more[1] % max(len(wanted), 1) :][:1]
    faults = practice.restored(wanted)
    answer = {
        "restored": len(wanted),
        "runs": {one.id: [one.state, one.code, one.detail] for one in practice.runs()},
        "states": there,
        "good": [one.engine_id for one in states if one.good],
        "left": practice.left(),
        "faults": faults,
    }
    practice.close()
    return json.loads(json.dumps(answer))  # type: ignore[no-any-return]
