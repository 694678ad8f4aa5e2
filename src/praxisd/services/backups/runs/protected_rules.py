"""Is the practice protected? Pure. Green only if all of it is true (SPEC 8.5, issue 9): the plan was kept, the last backup was
good and verified, and the last restore proof good and not older than it may be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from praxisd.model.backup_kept import RunKept

Shield = Literal["green", "yellow", "red", "none"]
PROOF_OLD_S = 45 * 86_400
"""A proof is due every month; one that is older has been missed. Seconds."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The colour, since when (the end of the last good backup), and why: the last part of a text's key."""

    state: Shield
    since: int | None
    why: str


def judge(
    *,
    planned: bool,
    last: RunKept | None,
    good: RunKept | None,
    proof: RunKept | None,
    proven: int | None,
    missed: Sequence[date],
    now: int,
    external: bool = False,
) -> Judgement:
    """`missed`: backup days that are over, were planned, and have no good copy, since the last good one; `proof`: the last
    proof that ended; `proven`: when one last was good. „External“ copies are proven by the other software.
    """
    since = None if good is None else good.ended
    if good is None:
        return Judgement("red" if planned else "none", None, "never" if planned else "no_plan")
    if len(missed) > 1:
        return Judgement("red", since, "missed")
    if last is not None and last.state == "failed":
        return Judgement("red", since, "failed")
    if not planned:
        return Judgement("yellow", since, "no_plan")
    if last is not None and last.state != "good":
        return Judgement("yellow", since, last.state)
    if missed:
        return Judgement("yellow", since, "missed_one")
    if external:
        return Judgement("green", since, "external")
    if proof is not None and proof.state == "failed":
        return Judgement("red", since, "proof_failed")
    if proven is None:
        return Judgement("yellow", since, "proof_none")
    if now - proven > PROOF_OLD_S:
        return Judgement("yellow", since, "proof_old")
    return Judgement("green", since, "good")


def missed(planned: Sequence[date], kept: Sequence[date], today: date) -> list[date]:
    """Days before today on which the plan wanted a backup and none was kept, after the last day that has one."""
    last = max(kept, default=date.min)
    return [one for one in sorted(set(planned)) if last < one < today]
