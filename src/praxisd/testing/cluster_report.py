"""What clients saw while something was broken: counted from the records of their requests, written as a table."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from praxisd.testing.cluster_clients import BALANCER, RELAY
from praxisd.testing.cluster_scene import Back
from praxisd.testing.torture_history import Record

WAYS = {BALANCER: "balancer", RELAY: "relay"}


@dataclass(frozen=True)
class Seen:
    """What the clients of one way in saw. `gap`: longest time in which nobody was served, `wait`: longest time in which one
    client was not although it asked; seconds. `failed`: requests that got no answer, or 5xx.
    """

    requests: int
    done: int
    refused: int
    failed: Counter[str]
    gap: float
    wait: float


@dataclass
class Row:
    """One fault. Times are nanoseconds of the monotonic clock."""

    fault: str
    began: int
    ended: int = 0
    back: Back = field(default_factory=Back)
    notes: list[str] = field(default_factory=list)
    page_gap: float = 0.0
    seen: dict[int, Seen] = field(default_factory=dict)

    def failed(self, way: int) -> int:
        """Requests of this way that failed."""
        found = self.seen.get(way)
        return 0 if found is None else found.failed.total()


def good(record: Record) -> bool:
    """Whether the client was served: what it asked for, or a refusal that says why."""
    return record.outcome != "unanswered" and record.status < 500


def word(record: Record) -> str:
    """How a failure is called in the table."""
    if record.outcome == "unanswered":
        return "no answer"
    code = (record.code or "").rpartition(".")[2]
    return f"{record.status} {code}".strip()


def seen(records: Sequence[Record], way: int, began: int, ended: int) -> Seen:
    """What happened in this time, by the end of each request."""
    lane = sorted(
        (r for r in records if r.node == way and began <= r.end and r.start <= ended), key=lambda r: r.end
    )
    served = [began, *(r.end for r in lane if good(r) and r.end <= ended), ended]
    gap = max((b - a for a, b in pairwise(served)), default=0)
    waits = [0]
    clients: dict[str, list[Record]] = defaultdict(list)
    for r in lane:
        clients[r.client].append(r)
    for own in clients.values():
        since: int | None = None  # when it first asked for what it has not got yet
        for r in sorted(own, key=lambda one: one.start):
            since = r.start if since is None else since
            waits.append(r.end - since)
            if good(r):
                since = None
    return Seen(
        len(lane),
        sum(r.outcome == "done" for r in lane),
        sum(r.outcome == "refused" and r.status < 500 for r in lane),
        Counter(word(r) for r in lane if not good(r)),
        gap / 1e9,
        max(waits) / 1e9,
    )


def table(rows: Sequence[Row]) -> str:
    """All rows as Markdown."""
    lines = [
        "| fault | way in | requests | done | refused (4xx) | failed | nobody served for | one client waited | live again |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        for way, found in row.seen.items():
            failed = ", ".join(f"{n} × {what}" for what, n in sorted(found.failed.items())) or "0"
            live = f"{max(row.back.pages.values(), default=0):.1f} s" if way == BALANCER else ""
            lines.append(
                f"| {row.fault} | {WAYS[way]} | {found.requests} | {found.done} | {found.refused} | {failed}"
                f" | {found.gap:.1f} s | {found.wait:.1f} s | {live} |"
            )
    return "\n".join(lines)


def summary(rows: Sequence[Row]) -> str:
    """Over all times each fault happened: counts added, the longest times."""
    by_fault: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_fault[row.fault].append(row)
    merged = []
    for fault, some in by_fault.items():
        one = Row(fault, 0)
        for row in some:
            for way, found in row.seen.items():
                old = one.seen.get(way)
                one.seen[way] = (
                    found
                    if old is None
                    else Seen(
                        old.requests + found.requests,
                        old.done + found.done,
                        old.refused + found.refused,
                        old.failed + found.failed,
                        max(old.gap, found.gap),
                        max(old.wait, found.wait),
                    )
                )
            for page, seconds in row.back.pages.items():
                one.back.pages[page] = max(seconds, one.back.pages.get(page, 0.0))
        merged.append(one)
    return table(merged)
