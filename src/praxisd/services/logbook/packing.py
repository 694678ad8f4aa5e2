"""Packages: entries made fit to leave, shown line by line, and kept byte for byte as they were shown and sent.

A line holds what is allowed: time, source, level, kind, code, tech values, placeholders of pseudonyms, text. Patient values
are not read here at all. Then the second net (`redact_rules`). Nothing here sends anything: see `sending`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from praxisd import __version__
from praxisd.kernel import events
from praxisd.kernel.access import Actor, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.ids import new_id
from praxisd.kernel.store import Tx
from praxisd.services.directory import api as directory
from praxisd.services.logbook import rules, searching, store
from praxisd.services.logbook.redact_rules import Redactor, numbers_of, words_of
from praxisd.services.logbook.shelf import Line, Wanted

if TYPE_CHECKING:
    from praxisd.kernel.app import House

FORMAT = 1
MOST = 20_000
"""Lines of one package."""
MOST_BYTES = 8_000_000
"""Mail servers take little more."""
KEPT_S = 30 * 86_400
"""How long a draft is kept. Seconds."""
CHANGED, LARGE, LEFT, EMPTY = (f"logbook.package_{one}" for one in ("changed", "large", "left", "empty"))


def file_name(id_: str) -> str:
    """What the package is called as a file."""
    return f"praxisd-protokoll-{id_}.jsonl"


def redactor(house: "House", organization: str) -> Redactor:
    """It knows all patients and practitioners of the practice as they are now."""
    names: list[str] = []
    births: list[str] = []
    phones: list[str] = []
    with house.store.read(system("logbook", organization)) as tx:
        for one in directory.everyone(tx):
            names += [one.family, one.given]
            births.append(one.birth_date or "")
            for reach in one.telecom:
                if reach.system == "email":
                    names.append(reach.value.partition("@")[0])
                else:
                    phones.append(reach.value)
        for each in directory.practitioners(tx):
            names.append(each.family)
    return Redactor(words_of(names), numbers_of(births, phones))


def line(one: Line, net: Redactor) -> bytes:
    """An entry as it would leave, without a line feed."""
    fields = {net.text(name): net.value(value) for name, value in searching.values(one.fields).items()}
    for name, value in searching.values(one.pseudo).items():
        fields[net.text(name)] = net.placeholder("id", str(value))
    told: dict[str, Any] = {
        "at": rules.shown(one.at),
        "source": one.source,
        "level": rules.NAMES[one.level],
        "kind": one.kind,
        "code": net.text(one.code),
    }
    if fields:
        told["fields"] = fields
    if one.text:
        told["text"] = net.text(one.text)
    return msgspec.json.encode(told)


def make(house: "House", actor: Actor, asked: Wanted) -> str:
    """Make a package of what is wanted and keep it as a draft; its id. It goes nowhere.

    Problems: `logbook.package_large`, `logbook.package_empty` (422).
    """
    found = list(searching.many(house, asked, MOST + 1))
    if len(found) > MOST:
        raise Problem(LARGE, 422, most=MOST)
    if not found:
        raise Problem(EMPTY, 422)
    made = keep(house, actor, found[::-1], asked)
    if made is None:
        raise RuntimeError("only packages of orders may be left out")
    return made


def keep(
    house: "House", actor: Actor, found: Sequence[Line], asked: Wanted, *, order: Any = None, no: int = 0
) -> str | None:
    """Keep entries as a draft; its id. Problem `logbook.package_large` (422).

    With `order` what came up to number `no` is marked as packed in the same transaction; None if the order has ended meanwhile.
    """
    net, id_, now = redactor(house, actor.organization), new_id(), house.clock.now_ms()
    first, last = min(one.at for one in found), max(one.at for one in found)
    head = {"part": "logbook", "format": FORMAT, "id": id_, "made": rules.shown(now), "praxisd": __version__}
    content = joined([msgspec.json.encode(head), *(line(one, net) for one in found)])
    if len(content) > MOST_BYTES:
        raise Problem(LARGE, 422, most=MOST)

    def work(tx: Tx) -> bool:
        if order is not None and not store.reached(tx, order.id, order.last_no, no):
            return False
        store.forget(tx, tx.now - KEPT_S)
        store.add(
            tx, id=id_, created_at=tx.now, created_by=actor.label, first=first, last=last, lines=len(found), bytes=len(content),
            sources=encoded(asked.sources), levels=encoded([rules.NAMES[one] for one in asked.levels]), digest=sha256(content),
            content=content.decode(), order_id="" if order is None else order.id,
        )  # fmt: skip
        events.note(tx, "package.made", "LogPackage", id_, lines=len(found))
        return True

    return id_ if house.store.run(actor, work) else None


def drop(tx: Tx, id_: str, digest: str, numbers: Iterable[int]) -> None:
    """Leave lines (by number, from 1; the head is 0) out of a draft. Problems: 404, 409 changed, left."""
    row = need(tx, id_)
    if row.state != "draft":
        raise Problem(LEFT, 409)
    if row.digest != digest:
        raise Problem(CHANGED, 409)
    lines = row.content.encode().splitlines()
    gone = {one for one in numbers if 0 < one < len(lines)}
    left = [one for number, one in enumerate(lines) if number not in gone]
    content = joined(left)
    if not store.rewrite(
        tx,
        id_,
        digest,
        content=content.decode(),
        digest=sha256(content),
        lines=len(left) - 1,
        bytes_=len(content),
        dropped=row.dropped + len(gone),
    ):
        raise Problem(CHANGED, 409)  # fmt: skip


def need(tx: Tx, id_: str) -> Any:
    """A package of the practice, or 404."""
    row = store.get(tx, id_)
    if row is None:
        raise not_found("LogPackage")
    return row


def joined(lines: Sequence[bytes]) -> bytes:
    """Lines as the bytes of a package."""
    return b"".join(one + b"\n" for one in lines)


def sha256(content: bytes) -> str:
    """In hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def encoded(values: Iterable[str]) -> str:
    """A JSON list."""
    return msgspec.json.encode(list(values)).decode()
