"""Taking back: the last record first, what is about people before the people, exactly as it was where nobody touched it.

What somebody has changed or used since is left as it is and waits for a person (`keep` or `take`).
"""

import time
from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.store import Tx
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeover_terms as rules
from praxisd.services.exchange.takeover_deciding import take_back
from praxisd.services.exchange.takeover_holding import BUDGET_S, PIECE, Holder


class Undoing(Holder):
    """The part of a worker that takes back."""

    def undo(self, row: Any) -> None:
        """Take back the last record first: what is about people before the people. `settings` say what becomes of records
        that somebody has changed since, once a person has decided that."""
        decided = row.code.removeprefix("exchange.undo_") if row.code.startswith("exchange.undo_") else ""
        if not row.cursor:
            self._house.store.run(
                self._actor,
                lambda tx: store.save(tx, self._mine(tx, "undoing"), total=_standing(tx, self._id)),
            )
        for people in (False, True):
            upto = rules.REST
            while True:
                upto, some = self._house.store.run(
                    self._actor,
                    lambda tx, upto=upto, people=people: self._back(tx, upto, people, decided),  # type: ignore[misc]
                )
                if not some:
                    break
                self._breathe()

        def end(tx: Tx) -> None:
            now = self._mine(tx, "undoing")
            waiting = store.states(tx, self._id).get("changed", 0)
            store.save(tx, now, state="undecided" if waiting else "undone", cursor=0, code="")
            self._note(tx, "takeover.undone", waiting=waiting)

        self._house.store.run(self._actor, end)

    def _back(self, tx: Tx, upto: int, people: bool, decided: str) -> tuple[int, int]:
        row = self._mine(tx, "undoing")
        state = "changed" if decided else "applied"
        found = store.backwards(tx, self._id, upto, PIECE, people=people, state=state)
        end = time.monotonic() + BUDGET_S
        number = 0
        for one in found:
            self._back_one(tx, one, decided)
            number += 1
            upto = one.no - 1
            if time.monotonic() > end:
                break
        store.save(tx, row, cursor=row.cursor + number, done=row.done + number)
        return upto, number

    def _back_one(self, tx: Tx, one: Any, decided: str) -> None:
        if one.action == "refused" or one.target is None or (one.version == 0 and one.before is None):
            store.unlink(tx, self._id, one.no)
            store.settle(tx, one, "back", one.code)
            return
        if decided == "keep":
            store.settle(tx, one, "kept", one.code)
            return
        try:
            how, version = take_back(self._house, tx, one, anyway=decided == "take")
        except Problem as problem:
            if problem.status >= 500:  # no matter of this record
                raise
            store.mark_changed(tx, one, problem.code)
            return
        if how in ("changed", "used"):
            store.mark_changed(tx, one, rules.USED_SINCE if how == "used" else rules.CHANGED_SINCE)
            return
        store.unlink(tx, self._id, one.no)
        stays = how in ("kept", "off")
        store.settle(tx, one, "kept" if stays else "back", rules.SWITCHED_OFF if how == "off" else one.code)
        if version:
            store.shift(tx, one, version)


def _standing(tx: Tx, id_: str) -> int:
    found = store.states(tx, id_)
    return found.get("applied", 0) + found.get("changed", 0)
