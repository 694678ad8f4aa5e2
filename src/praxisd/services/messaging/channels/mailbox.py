"""A mailbox in which answers and bounces arrive: what every kind of it can do.

A mail that belongs to one of our messages is filed away after what it says was saved; one that is nothing of ours stays
where it is, as it is, and is looked at once. A mail is never deleted.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

AT_ONCE = 500
"""Mails that are read in one go; what remains is read by the next."""
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it lies in the mailbox: its bytes (a very large one only as far as it is looked at)."""

    data: bytes
    done: Callable[[], None]
    """File it away: what it says is saved. Twice, or when it is gone, does nothing."""
    aside: Callable[[], None]
    """Put it aside as unreadable."""
    leave: Callable[[], None]
    """Let it lie, and do not look at it again."""


class Mailbox(Protocol):
    """Where mails lie."""

    def letters(self) -> Iterator[Letter]:
        """Mails that were not looked at yet, the oldest first, at most `AT_ONCE`.

        Problem `messaging.mailbox_missing` or `messaging.mailbox_unreachable` (503, retry), or `messaging.mailbox_refused`
        (502) when it cannot be read at all.
        """
        ...


class Seen:
    """Mails that are nothing of ours, by name: they are read once per start of the program, not at every run."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._names: OrderedDict[str, None] = OrderedDict()

    def add(self, name: str) -> None:
        """Remember a mail; the oldest is forgotten when there are too many."""
        with self._lock:
            self._names[name] = None
            self._names.move_to_end(name)
            while len(self._names) > self._most:
                self._names.popitem(last=False)

    def __contains__(self, name: object) -> bool:
        with self._lock:
            return name in self._names
