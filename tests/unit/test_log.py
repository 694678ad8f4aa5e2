"""The log: whatever way a patient's name tries to get in, it does not come out."""

import asyncio
import contextlib
import gc
import io
import json
import logging
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import structlog

from praxisd.kernel.errors import Problem
from praxisd.kernel.log import FIELDS, Log, dropped_count, funnel

CANARY = "Kanarienvogel"


class Catch(io.BytesIO):
    """A stream whose lines can be read as JSON; it fails if the canary is in them."""

    def lines(self) -> list[dict]:
        text = self.getvalue().decode()
        assert CANARY not in text
        assert CANARY.lower() not in text.lower()
        return [json.loads(line) for line in text.splitlines()]

    def only(self) -> dict:
        (line,) = self.lines()
        return line


@pytest.fixture
def stream() -> Catch:
    return Catch()


@pytest.fixture
def log(stream: Catch) -> Log:
    return Log("debug", stream)


@pytest.fixture
def funnelled(log: Log) -> Iterator[None]:
    restore = funnel(log, "info")
    yield
    restore()


def fail_with(name: str) -> None:
    raise ValueError(f"no patient {name}")


def test_a_line_has_time_level_event_and_registered_fields(log: Log, stream: Catch) -> None:
    log.bind(service="calendar").info("slot_taken", ms=1.5, subject="Appointment/7", count=2, node=None)
    line = stream.only()
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "event": "slot_taken",
        "service": "calendar",
        "ms": 1.5,
        "subject": "Appointment/7",
        "count": 2,
        "node": None,
    }


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_levels(stream: Catch, level: str) -> None:
    log = Log(level, stream)
    for one in ("debug", "info", "warning", "error"):
        getattr(log, one)("x")
    assert next(iter(stream.lines()))["level"] == level


def test_other_fields_are_dropped_and_counted(log: Log, stream: Catch) -> None:
    before = dropped_count()
    log.bind(patient=CANARY).info("x", family=CANARY, note=CANARY, **{CANARY: 1})
    assert stream.only()["dropped"] == 4
    assert dropped_count() == before + 4


@pytest.mark.parametrize(
    "value",
    [
        f"Erika {CANARY}",
        f"{CANARY}\u00e4",
        f"{CANARY}@",
        f"{CANARY}\n",
        CANARY * 50,
        [CANARY],
        {CANARY: CANARY},
        CANARY.encode(),
        object(),
        (CANARY,),
    ],
)
@pytest.mark.parametrize("field", ["actor", "template", "trace", "reason"])
def test_registered_fields_take_only_numbers_and_one_harmless_word(
    log: Log, stream: Catch, field: str, value: object
) -> None:
    log.info("x", **{field: value})
    line = stream.only()
    assert field not in line
    assert line["dropped"] == 1


@pytest.mark.parametrize("event", [f"patient {CANARY} saved", CANARY, "", "ä", "x" * 65])
def test_an_event_is_a_word_of_the_program(log: Log, stream: Catch, event: str) -> None:
    log.info(event)
    assert stream.only()["event"] == "withheld"


def test_a_field_cannot_overwrite_the_head(log: Log, stream: Catch) -> None:
    log.info("x", at="y", level="z")
    line = stream.only()
    assert (line["level"], line["event"]) == ("info", "x")
    assert line["at"] != "y"


def test_context_variables_pass_the_same_wall(log: Log, stream: Catch) -> None:
    with structlog.contextvars.bound_contextvars(request="r1", patient=CANARY):
        log.info("x")
    line = stream.only()
    assert (line["request"], line["dropped"]) == ("r1", 1)


def test_an_exception_is_type_and_places(log: Log, stream: Catch) -> None:
    try:
        fail_with(CANARY)
    except ValueError as error:
        log.error("failed", where="test", error=error)
        log.error("failed", exc_info=True)
        log.error("failed", exc_info=sys.exc_info())
    for line in stream.lines():
        assert line["error_type"] == "ValueError"
        assert line["trace"][-1].rsplit(":", 1)[1] == "fail_with"
        assert "dropped" not in line


def test_causes_codes_and_groups(log: Log, stream: Catch) -> None:
    try:
        try:
            fail_with(CANARY)
        except ValueError as error:
            raise Problem("calendar.slot_taken", 409, detail=CANARY, name=CANARY) from error
    except Problem as problem:
        log.error("failed", error=problem)
        log.error("failed", error=problem, code="http.internal")
    log.error("failed", error=ExceptionGroup(CANARY, [KeyError(CANARY), OSError(CANARY)]))
    first, own, second = stream.lines()
    assert (own["code"], list(own)[:3]) == ("http.internal", ["at", "level", "event"])
    assert first["error_type"] == "praxisd.kernel.errors.Problem"
    assert first["code"] == "calendar.slot_taken"
    assert first["caused_by"] == ["ValueError"]
    assert second["caused_by"] == ["KeyError", "OSError"]


def test_database_errors_keep_their_state_and_lose_their_words(log: Log, stream: Catch) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute("CREATE TABLE p (name TEXT UNIQUE)")
        db.execute(f"CREATE TRIGGER t BEFORE INSERT ON p BEGIN SELECT raise(abort, '{CANARY}'); END")
        try:
            db.execute("INSERT INTO p VALUES (?)", (CANARY,))
        except sqlite3.IntegrityError as error:
            log.error("failed", error=error)
    line = stream.only()
    assert line["error_type"] == "sqlite3.IntegrityError"
    assert line["reason"] == "SQLITE_CONSTRAINT_TRIGGER"


@pytest.mark.usefixtures("funnelled")
def test_stdlib_records_show_only_literals(stream: Catch) -> None:
    logger = logging.getLogger("some.library")
    name = CANARY
    logger.warning("saved %s", name)
    logger.warning(f"saved {name}")
    logger.warning("saved " + name)
    logger.warning(name)
    logger.warning({"name": name})
    logger.warning(f"saved {name}")
    logger.warning("too few %s %s", name)
    logger.warning("with data", extra={"patient": name})
    lines = stream.lines()
    assert [line.get("template") for line in lines] == [
        "saved %s", None, None, None, None, None, "too few %s %s", "with data",
    ]  # fmt: skip
    assert {line["logger"] for line in lines} == {"some.library"}
    assert all(line["where"].endswith(":test_stdlib_records_show_only_literals") for line in lines)
    assert {line["level"] for line in lines} == {"warning"}


@pytest.mark.usefixtures("funnelled")
def test_stdlib_exceptions_lose_their_words(stream: Catch) -> None:
    try:
        fail_with(CANARY)
    except ValueError:
        logging.getLogger("x").exception("it failed")
    line = stream.only()
    assert (line["template"], line["error_type"], line["level"]) == ("it failed", "ValueError", "error")


@pytest.mark.usefixtures("funnelled")
def test_asyncio_and_warnings(stream: Catch) -> None:
    async def lost() -> None:
        task = asyncio.get_running_loop().create_task(broken())
        await asyncio.sleep(0)
        del task
        gc.collect()

    async def broken() -> None:
        fail_with(CANARY)

    asyncio.run(lost())
    warnings.warn(f"old {CANARY}", stacklevel=1)
    loggers = [line["logger"] for line in stream.lines()]
    assert "asyncio" in loggers
    assert "py.warnings" in loggers


@pytest.mark.usefixtures("funnelled")
def test_uncaught_in_a_thread(stream: Catch) -> None:
    thread = threading.Thread(target=fail_with, args=(CANARY,), name=CANARY)
    # pytest puts its own hook over ours while a test runs; ask ours directly.
    try:
        fail_with(CANARY)
    except ValueError as error:
        threading.excepthook(threading.ExceptHookArgs((type(error), error, error.__traceback__, thread)))
    assert stream.only()["event"] == "uncaught_in_thread"


def test_a_whole_process_never_prints_the_canary() -> None:
    """Uncaught exceptions in the main program, a thread and a finalizer, with the real standard error."""
    program = f"""
import logging, threading
from praxisd.kernel.log import Log, funnel
funnel(Log())
def fail(name): raise ValueError("bad " + name)
class Late:
    def __del__(self): fail("{CANARY}")
thread = threading.Thread(target=fail, args=("{CANARY}",)); thread.start(); thread.join()
Late()
logging.getLogger("x").error("%d", "{CANARY}")
fail("{CANARY}")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert CANARY not in done.stderr + done.stdout
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert events == ["uncaught_in_thread", "uncaught_in_finalizer", "stdlib", "uncaught"]


def test_restore_puts_everything_back(log: Log) -> None:
    before = (logging.getLogger().handlers[:], sys.excepthook, threading.excepthook, sys.unraisablehook)
    funnel(log)()
    assert (logging.getLogger().handlers, sys.excepthook, threading.excepthook, sys.unraisablehook) == before


def test_a_broken_stream_breaks_nothing() -> None:
    class Full(io.RawIOBase):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    Log(stream=Full()).error("x")  # type: ignore[arg-type]
    closed = io.BytesIO()
    closed.close()
    Log(stream=closed).error("x")


def test_no_field_invites_a_person() -> None:
    forbidden = {
        "name",
        "patient",
        "family",
        "given",
        "phone",
        "email",
        "birthdate",
        "text",
        "body",
        "note",
        "message",
    }
    assert not FIELDS & forbidden


def test_the_line_of_a_request_looks_like_any_other_and_passes_the_same_wall() -> None:
    stream = io.BytesIO()
    log = Log("info", stream)
    log.request("slots.list", 200, 0.44, "key:01abc")
    log.bind(service="x").request("slots.list", 409, 12.0, "key:01abc", "calendar.slot_taken")
    log.request('a"b', 200, 1.0, "Frau Müller", "\n")
    first, second, third = (json.loads(line) for line in stream.getvalue().splitlines())
    at = first.pop("at")
    assert abs(datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds() < 60
    assert first == {
        "level": "info",
        "event": "request",
        "route": "slots.list",
        "status": 200,
        "ms": 0.4,
        "actor": "key:01abc",
    }
    assert (second["code"], second["status"], second["ms"]) == ("calendar.slot_taken", 409, 12.0)
    assert (third["route"], third["actor"], third["code"]) == ("withheld", "withheld", "withheld")
    assert set(first) | {"at", "code"} <= FIELDS
    quiet = io.BytesIO()
    Log("warning", quiet).request("slots.list", 200, 0.4, "key:01abc")
    assert quiet.getvalue() == b""
