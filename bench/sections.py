"""Where the time of a booking goes: processor time by part, each without what it calls of the others."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from bench import practice
from praxisd.kernel import resource
from praxisd.kernel.app import House
from praxisd.kernel.store import Store, Tx
from praxisd.services.calendar import api as calendar
from praxisd.services.calendar import placing, rules
from praxisd.services.calendar.view import Views


class Clockwork:
    """Wraps functions; a part's time stops while another wrapped part inside it runs."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._stack: list[str] = ["rest"]
        self._last = time.thread_time()
        self._undo: list[Callable[[], None]] = []

    def _switch(self, part: str | None) -> None:
        now = time.thread_time()
        self.spent[self._stack[-1]] += now - self._last
        self._last = now
        if part is None:
            self._stack.pop()
        else:
            self._stack.append(part)

    def wrapped(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, counted to `part`."""

        def counted(*args: Any, **named: Any) -> Any:
            self._switch(part)
            try:
                return call(*args, **named)
            finally:
                self._switch(None)

        return counted

    def wrap(self, part: str, owner: Any, name: str) -> None:
        """Count the function or method `owner.name` to `part`."""
        before = getattr(owner, name)
        setattr(owner, name, self.wrapped(part, before))
        self._undo.append(lambda: setattr(owner, name, before))

    def done(self) -> dict[str, float]:
        """Undo all, and the seconds by part."""
        for one in self._undo:
            one()
        return self.spent


class _Driver:
    """A cursor whose work is counted to the database's part."""

    def __init__(self, clockwork: Clockwork, cursor: Any) -> None:
        self._cursor = cursor
        self.execute = clockwork.wrapped("database and driver", cursor.execute)
        self.fetchone = clockwork.wrapped("database and driver", cursor.fetchone)
        self.fetchall = clockwork.wrapped("database and driver", cursor.fetchall)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def shares(house: House, made: practice.Filled, first: int, count: int) -> str:
    """Book `count` times from number `first` on under the clock; the parts in words, the largest first."""
    clockwork = Clockwork()
    engine = house.store.engine
    write = engine.write

    class Counted:
        def __init__(self) -> None:
            self._inner = write()

        def __enter__(self) -> Any:
            enter = clockwork.wrapped("database and driver", self._inner.__enter__)
            return _Driver(clockwork, enter())

        def __exit__(self, *failure: Any) -> Any:
            return clockwork.wrapped("database and driver", self._inner.__exit__)(*failure)

    engine.write = Counted  # type: ignore[method-assign, assignment]
    clockwork.wrap("statements and values", Tx, "_execute")
    clockwork.wrap("rules", rules, "place")
    clockwork.wrap("event", house.store, "append")
    clockwork.wrap("records to JSON", resource.Records, "_row")
    clockwork.wrap("calendar in memory", Views, "calendar")
    clockwork.wrap("choosing columns", placing, "choose")
    clockwork.wrap("transaction", Store, "run")
    try:
        for number in range(first, first + count):
            wish = practice.wish_for(made, number)
            house.store.run(made.desk, lambda tx, wish=wish: calendar.book(house, tx, wish))
    finally:
        spent = clockwork.done()
        engine.write = write  # type: ignore[method-assign]
    total = sum(spent.values())
    parts = sorted(spent.items(), key=lambda one: -one[1])
    return ", ".join(f"{name} {seconds / total:.0%}" for name, seconds in parts if seconds / total >= 0.01)
