"""Tables of the first start: the one-time code (its digest), and the steps of the wizard somebody skipped."""

from typing import Any, NamedTuple

import sqlalchemy as sa

from praxisd.kernel.store import Tx, mine, prepared, table, upsert
from praxisd.services.setup.rules import TRIES

CODE = table(
    "setup_code",
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    sa.Column("asked", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.PrimaryKeyConstraint("organization"),
)
"""At most one row, of the installation: all nodes know the same code. `asked`: 1 if made by command, 0 at a start."""
STEP = table(
    "setup_step",
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("skipped_at", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("organization", "step"),
)
TABLES = (CODE.name, STEP.name)
_C, _S = CODE.c, STEP.c
_PUT = upsert(CODE, ("organization",))
_GET = prepared(sa.select(CODE).where(mine(CODE)))
_LOCK = prepared(sa.update(CODE).where(mine(CODE)).values(failed=_C.failed))
_FAIL = prepared(sa.update(CODE).where(mine(CODE)).values(failed=_C.failed + 1))
_DROP = prepared(sa.delete(CODE).where(mine(CODE), _C.digest == sa.bindparam("digest"), _C.failed < TRIES))
_FORGET = prepared(sa.delete(CODE).where(mine(CODE)))
_SKIP = upsert(STEP, ("organization", "step"))
_OPEN = prepared(sa.delete(STEP).where(mine(STEP), _S.step == sa.bindparam("step")))
_SKIPPED = prepared(sa.select(_S.step).where(mine(STEP)))


class Kept(NamedTuple):
    """What is known of the code: SHA-256 in hex, epoch seconds, whether by command, wrong tries so far."""

    digest: str
    made_at: int
    asked: bool
    failed: int

    @property
    def left(self) -> int:
        """How many wrong tries it still bears."""
        return max(0, TRIES - self.failed)


def put_code(tx: Tx, digest: str, asked: bool) -> None:
    """Keep the digest of a new code in place of the one before; tries begin anew."""
    tx.run(_PUT, digest=digest, made_at=tx.now, asked=int(asked), failed=0)


def code(tx: Tx) -> Kept | None:
    """The code of this installation, or None where there is none."""
    return _kept(tx.first(_GET))


def locked_code(tx: Tx) -> Kept | None:
    """The same, and nobody else tries a code before this transaction ends."""
    tx.run(_LOCK)
    return _kept(tx.first(_GET))


def _kept(row: Any) -> Kept | None:
    return None if row is None else Kept(row.digest, row.made_at, bool(row.asked), row.failed)


def count_failure(tx: Tx) -> None:
    """One wrong try more."""
    tx.run(_FAIL)


def use_up(tx: Tx, digest: str) -> bool:
    """Take the code away; False if this is not the code that holds, or it was tried too often."""
    return tx.run(_DROP, digest=digest) == 1


def forget_code(tx: Tx) -> None:
    """Take any code away."""
    tx.run(_FORGET)


def skip(tx: Tx, step: str) -> None:
    """Note that somebody leaves this step out."""
    tx.run(_SKIP, step=step, skipped_at=tx.now, actor=tx.actor.label)


def reopen(tx: Tx, step: str) -> None:
    """Take `skip` back."""
    tx.run(_OPEN, step=step)


def skipped(tx: Tx) -> frozenset[str]:
    """Names of the steps that are left out in this practice."""
    return frozenset(row[0] for row in tx.tuples(_SKIPPED))
