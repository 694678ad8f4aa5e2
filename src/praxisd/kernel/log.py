"""The log: one JSON object per line on standard error, and no patient data by construction.

Nobody has to remember to leave a name out:

- Only the fields in `FIELDS` pass, and only with numbers or one word of harmless characters; all else is
  dropped and counted in `dropped`.
- An event is a word of the program (`slot_taken`), never a sentence; anything else is `withheld`.
- Of an exception its type and code locations pass, never its message, arguments or variables: database errors
  quote the values they stumbled over.
- Of the standard library's log records (other libraries write those) the logger's name, the level and the
  place pass, and the message only if it is a literal in the code that logs it: a format string, without what
  fills it.
"""

import contextlib
import logging
import re
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from types import CodeType, FrameType, TracebackType
from typing import Any, BinaryIO

import msgspec
import structlog

from praxisd.kernel.errors import Problem

FIELDS = frozenset(
    {"event", "level", "at", "logger", "template", "where", "dropped"}
    | {"error_type", "trace", "caused_by", "reason"}
    | {"service", "job", "run", "route", "method", "status", "ms", "code", "organization", "actor", "subject"}
    | {
        "node",
        "count",
        "lang",
        "version",
        "port",
        "host",
        "pid",
        "attempt",
        "fence",
        "cursor",
        "handler",
        "check",
    }
    | {"table", "bytes", "state", "due", "lease", "request", "signal", "engine", "revision", "permission"}
    | {"portal", "channel", "key", "thread"}
)
"""Every field a line may have. A new one is added here, by someone who asked if it can hold a patient."""

REMEMBERED = 2_000
"""Lines kept in memory for people to look at."""
_EVENT = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_WORD = re.compile(r"[A-Za-z0-9_.:/{}$*<>+-]{1,200}")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.:/{}$*<>+-]")
_TEMPLATE_LENGTH = 300
_FRAMES = 12
_CAUSES = 5
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_GRAVE = (b'"level":"warning"', b'"level":"error"')


class _Counter:
    """How many fields and lines were withheld since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0

    def add(self, count: int) -> None:
        with self._lock:
            self._count += count

    @property
    def count(self) -> int:
        return self._count


_dropped = _Counter()


def dropped_count() -> int:
    """Fields dropped and events withheld since the process started, for the metrics: not zero is a fault of
    ours.
    """
    return _dropped.count


class Log:
    """A logger that writes to `stream` (standard error if None) from `level` on: debug, info, warning, error.

    A field may carry an exception (`error=problem`, or `exc_info=True` inside `except`): it becomes type and
    places. A full disk or closed stream loses lines and breaks nothing. Safe for threads.
    """

    def __init__(self, level: str = "info", stream: BinaryIO | None = None) -> None:
        self._sink = _Sink(stream or sys.stderr.buffer)
        self._tells_requests = _LEVELS[level] <= _LEVELS["info"]
        self._bound: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            self._sink,
            processors=[
                structlog.contextvars.merge_contextvars,
                structlog.processors.add_log_level,
                _private,
                _render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
            context_class=dict,
            cache_logger_on_first_use=False,
        )

    def bind(self, **fields: object) -> "Log":
        """A logger that adds `fields` to each of its lines: `log.bind(service="calendar")`."""
        other = object.__new__(Log)
        other._sink, other._tells_requests = self._sink, self._tells_requests
        other._bound = self._bound.bind(**fields)
        return other

    def recent(self) -> list[tuple[int, bytes]]:
        """The last lines with their numbers, oldest first, at most `REMEMBERED`; of loggers bound to this one too."""
        return self._sink.recent()

    def listen(self, call: Callable[[bytes], None]) -> None:
        """Have each further line of warnings and errors told to `call` too, of loggers bound to this one as well.

        It is called by whoever logs: it must not wait, and must not log.
        """
        self._sink.listeners.append(call)

    def request(self, route: str, status: int, ms: float, actor: str, code: str | None = None) -> None:
        """The line of one answered request: the same wall by a shorter way, since it is written for each of them.

        `actor` is a label (`key:<id>`), never a name. Fields bound to this logger are not added.
        """
        if not self._tells_requests:
            return
        seconds, fraction = divmod(time.time_ns() // 1_000_000, 1000)
        words = f'"route":"{_harmless(route)}","status":{status:d},"ms":{ms:.1f},"actor":"{_harmless(actor)}"'
        if code is not None:
            words += f',"code":"{_harmless(code)}"'
        self._sink.line(
            f'{{"at":"{_second(seconds)}.{fraction:03d}+00:00","level":"info","event":"request",{words}}}'.encode()
        )

    def debug(self, event: str, **fields: object) -> None:
        """For whoever looks into a fault; off by default."""
        self._bound.debug(event, **fields)

    def info(self, event: str, **fields: object) -> None:
        """What happened as it should."""
        self._bound.info(event, **fields)

    def warning(self, event: str, **fields: object) -> None:
        """What went wrong and mended itself, or soon will not."""
        self._bound.warning(event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """What went wrong."""
        self._bound.error(event, **fields)

    def at(self, level: int, event: str, **fields: object) -> None:
        """A line at the nearest level of ours at or below a number of the standard library's."""
        nearest = max((n for n in _LEVELS.values() if n <= level), default=_LEVELS["debug"])
        self._bound.log(nearest, event, **fields)


def funnel(log: Log, others: str = "warning") -> Callable[[], None]:
    """Lead all other ways to standard error through `log`: the standard library's logging (of `others` and
    above), warnings, and exceptions nobody caught, in threads and finalizers too. A server never undoes it;
    for tests the answer is a function that does.
    """
    root = logging.getLogger()
    hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
    before = (root.handlers[:], root.level, logging.raiseExceptions)

    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            hooks[0](kind, error, trace)
        else:
            log.error("uncaught", exc_info=error)

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit:
            log.error("uncaught_in_thread", exc_info=args.exc_value)

    def in_finalizer(args: Any) -> None:
        log.error("uncaught_in_finalizer", exc_info=args.exc_value)

    def restore() -> None:
        root.handlers[:], level, logging.raiseExceptions = before
        root.setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)

    root.handlers[:] = [_Funnel(log)]
    root.setLevel(_LEVELS[others])
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # it would print a broken record with its arguments
    sys.excepthook, threading.excepthook, sys.unraisablehook = uncaught, in_thread, in_finalizer
    return restore


def is_grave(line: bytes) -> bool:
    """True for a line of level warning or error; the level stands near its beginning."""
    return any(word in line[:96] for word in _GRAVE)


class _Sink:
    """Writes whole lines and remembers the last ones. Losing one must never fail the work that is being logged."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._written = 0
        self._recent: deque[bytes] = deque(maxlen=REMEMBERED)
        self.listeners: list[Callable[[bytes], None]] = []

    def recent(self) -> list[tuple[int, bytes]]:
        with self._lock:
            first = self._written - len(self._recent) + 1
            return list(enumerate(self._recent, first))

    def line(self, data: bytes) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._written += 1
            self._recent.append(data)
            self._stream.write(data + b"\n")
            self._stream.flush()
        if self.listeners and is_grave(data):
            for call in self.listeners:
                with contextlib.suppress(Exception):
                    call(data)

    debug = info = warning = error = critical = exception = line


class _Funnel(logging.Handler):
    """Turns a record of the standard library into a line, without its arguments."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        frame = _caller(record)
        template = None
        if frame is not None and isinstance(record.msg, str) and _literal(frame.f_code, record.msg):
            template = record.msg[:_TEMPLATE_LENGTH]
        error = record.exc_info[1] if record.exc_info else None
        self._log.at(
            record.levelno,
            "stdlib",
            logger=record.name,
            where=_place(frame, record.lineno) if frame else _safe(f"{record.module}:{record.lineno}"),
            **({"template": _Made(template)} if template is not None else {}),
            **({"exc_info": error} if error is not None else {}),
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """A record that cannot be written is counted; the standard library would print its arguments."""
        _dropped.add(1)


class _Made(str):
    """Text this module made itself, which passes although it is more than a word."""


@lru_cache(maxsize=2048)
def _harmless(word: str) -> str:
    """The word if the wall lets it through (it needs no escaping then), else `withheld`."""
    if _WORD.fullmatch(word):
        return word
    _dropped.add(1)
    return "withheld"


@lru_cache(maxsize=2)
def _second(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _private(_logger: object, _method: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The wall: what is not registered or not harmless does not get through."""
    dropped = 0
    event = fields.pop("event", None)
    if not isinstance(event, str) or not _EVENT.fullmatch(event):
        event, dropped = "withheld", 1
    line: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": fields.pop("level"),
        "event": event,
    }
    error = _error(fields.pop("exc_info", None))
    for name, value in fields.items():
        if isinstance(value, BaseException):
            error = value
        elif name not in FIELDS or name in line:
            dropped += 1
        elif value is None or isinstance(value, bool | int | float):
            line[name] = value
        elif isinstance(value, _Made) or (isinstance(value, str) and _WORD.fullmatch(value)):
            line[name] = str(value)
        else:
            dropped += 1
    if error is not None:
        line = _describe(error) | line  # what the caller says wins, for example its code
        line = {name: line.pop(name) for name in ("at", "level", "event")} | line
    if dropped:
        line["dropped"] = dropped
        _dropped.add(dropped)
    return line


def _render(_logger: object, _method: str, line: MutableMapping[str, Any]) -> bytes:
    return msgspec.json.encode(line)


def _error(exc_info: object) -> BaseException | None:
    """The exception behind what structlog and logging accept as `exc_info`."""
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1] if isinstance(exc_info[1], BaseException) else None
    return sys.exc_info()[1] if exc_info else None


def _describe(error: BaseException) -> dict[str, Any]:
    """Type, code, places and causes of an exception: what the code says, nothing of what the data says."""
    line: dict[str, Any] = {"error_type": _type(error)}
    if isinstance(error, Problem):
        line["code"] = error.code
    _reason(error, line)
    walked = list(traceback.walk_tb(error.__traceback__))[-_FRAMES:]
    line["trace"] = [_place(frame, number) for frame, number in walked]
    causes: list[str] = []
    one: BaseException | None = error
    while one is not None and len(causes) < _CAUSES:
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
        if one is not None:
            causes.append(_type(one))
            _reason(one, line)
    if isinstance(error, BaseExceptionGroup):
        causes += [_type(member) for member in error.exceptions[:_CAUSES]]
    if causes:
        line["caused_by"] = causes
    return line


def _reason(error: BaseException, line: dict[str, Any]) -> None:
    """What the database calls the fault (psycopg, sqlite3): a fixed word, unlike its message."""
    value = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if isinstance(value, str) and _WORD.fullmatch(value):
        line.setdefault("reason", value)


def _type(error: BaseException) -> str:
    kind = type(error)
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _place(frame: FrameType, line: int) -> str:
    """`praxisd.kernel.store:12:write`: module names, since a path may hold a person's account name."""
    return _safe(f"{frame.f_globals.get('__name__', '?')}:{line}:{frame.f_code.co_name}")


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text)[:200]


def _caller(record: logging.LogRecord) -> FrameType | None:
    """The frame that logs the record; it is above us on this thread's stack, since handlers run at once."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == record.pathname and frame.f_lineno == record.lineno:
            return frame
        frame = frame.f_back
    return None


def _literal(code: CodeType, text: str) -> bool:
    """True if the text stands in the code as a constant, so that no data can have got into it."""
    return any(
        text == one or (isinstance(one, tuple) and text in one)
        for one in code.co_consts
        if isinstance(one, str | tuple)
    )
