"""Fetches and renews the certificate from an authority (ACME), through the tunnel: TLS-ALPN-01, no port 80, no DNS (SPEC 2.2).

A try never takes away what there is: the present chain stays until a better one is whole and checked. The key is the same
over all renewals, so that pins hold. What is under way is remembered after each step and taken up again.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from praxisd.kernel import events, http
from praxisd.kernel.access import system
from praxisd.services.relay import acme_order, acme_record, certificate_making, certificates
from praxisd.services.relay.acme_answers import Answers
from praxisd.services.relay.acme_order import Means, NotOurs, Slow, Stopped
from praxisd.services.relay.acme_record import Progress, Wish
from praxisd.services.relay.acme_wire import Key, Said, Unheard, Wire
from praxisd.services.relay.acme_words import CODES
from praxisd.services.relay.certificate_making import Material

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

FAILED, UNREACHABLE, DIRECTORY, RATE, ACCOUNT, NAME, CHALLENGE, SLOW = CODES
EVENT = "relay.certificate_renewed"
_WHO = system("relay.certificate")
_BY_TYPE = {
    "rateLimited": RATE,
    "serverInternal": UNREACHABLE,
    "externalAccountRequired": ACCOUNT,
    "userActionRequired": ACCOUNT,
    "invalidContact": ACCOUNT,
    "unsupportedContact": ACCOUNT,
    "accountDoesNotExist": ACCOUNT,
    "unauthorized": ACCOUNT,
    "rejectedIdentifier": NAME,
    "unsupportedIdentifier": NAME,
    "caa": NAME,
}


class Failure(NamedTuple):
    """Why a try failed. `type` is the authority's word for it, `said` its own text."""

    code: str
    type: str = ""
    name: str = ""
    said: str = ""
    retry_s: int | None = None


class Fetcher:
    """Makes tries for one house. `pause` waits so many seconds and says whether the house stops."""

    def __init__(self, house: "House", answers: Answers, pause: Callable[[float], bool]) -> None:
        self._house = house
        self._answers = answers
        self._pause = pause

    def attempt(self, wanted: Wish) -> Failure | None:
        """One try for a wish; None if there is a new chain. `Stopped` when the house stops in between."""
        house = self._house
        key, account, known = house.store.run(_WHO, lambda tx: self._begun(tx, wanted))
        wire = Wire(http.client(house), wanted.directory, Key(account), house.clock.now(), known.kid)
        try:
            chain = self._chain(wire, wanted, known, key)
            made = self._checked(chain, wanted.names, key, known)
        except NotOurs as error:
            if error.name in wanted.names[wanted.needed :]:
                self._note(order="", ordered=(), skipped=(*self._known().skipped, error.name))
                return self.attempt(wanted)
            return self._failed(wanted, Failure(CHALLENGE, error.type, error.name, error.detail))
        except Said as said:
            return self._failed(
                wanted, Failure(_BY_TYPE.get(said.type, FAILED), said.type, "", said.detail, said.retry_s)
            )
        except Unheard as error:
            code = DIRECTORY if error.why == "directory" else UNREACHABLE
            return self._failed(wanted, Failure(code, error.why))
        except Slow:
            return self._failed(wanted, Failure(SLOW), keep_order=True)
        except ValueError:
            return self._failed(wanted, Failure(FAILED, "certificate"))
        except Stopped:
            raise
        except Exception as error:  # whatever it is: not again at once
            house.log.error("relay_acme", error=error)
            return self._failed(wanted, Failure(FAILED, "internal"))
        house.store.run(_WHO, lambda tx: self._store(tx, wanted, made))
        certificates.forget(house)
        return None

    def _begun(self, tx: "Tx", wanted: Wish) -> tuple[bytes, bytes, Progress]:
        house = self._house
        key, account = acme_record.keys(house, tx)
        before = acme_record.load(tx).progress
        told: dict[str, Any] = {"tried": wanted.mark, "tried_at": tx.now}
        if before.directory != wanted.directory:
            told |= {"directory": wanted.directory, "kid": "", "order": "", "ordered": ()}
        if before.tried != wanted.mark:
            told |= {"skipped": (), "failures": 0, "not_before": 0, "told": False}
        return key, account, acme_record.change(house, tx, **told)

    def _chain(self, wire: Wire, wanted: Wish, known: Progress, key: bytes) -> str:
        if not wire.kid:
            wire.join(wanted.email)
            known = self._note(kid=wire.kid)
        names = tuple(one for one in wanted.names if one not in known.skipped)
        order = known.order if known.ordered == names else ""
        if not order or not acme_order.standing(wire, order):
            order = self._order(wire, wanted, names)
            self._note(order=order, ordered=names)
        return acme_order.carry_out(Means(wire, self._answers, self._pause), order, names, key)

    def _order(self, wire: Wire, wanted: Wish, names: tuple[str, ...]) -> str:
        try:
            return acme_order.begin(wire, names)
        except Said as said:
            if said.type != "accountDoesNotExist":
                raise
        wire.kid = ""
        wire.join(
            wanted.email
        )  # it has forgotten us (a new one under the old address): the key is still ours
        self._note(kid=wire.kid)
        return acme_order.begin(wire, names)

    def _checked(self, chain: str, names: tuple[str, ...], key: bytes, known: Progress) -> Material:
        """What came, if it is what was ordered. ValueError if not."""
        made = Material(chain, key)
        skipped = self._known().skipped or known.skipped
        if not made.matches or set(names) - set(skipped) - set(made.names):
            raise ValueError("another key or other names")
        certificate_making.context(made)
        return made

    def _known(self) -> Progress:
        with self._house.store.read(_WHO) as tx:
            return acme_record.load(tx).progress

    def _note(self, **progress: Any) -> Progress:
        return self._house.store.run(_WHO, lambda tx: acme_record.change(self._house, tx, **progress))

    def _store(self, tx: "Tx", wanted: Wish, made: Material) -> None:
        acme_record.change(
            self._house, tx, made, issuer=wanted.directory, order="", ordered=(), failures=0, not_before=0, told=False,
            code="", type="", name="", said="",
        )  # fmt: skip
        events.note(tx, EVENT, "Certificate", "relay")

    def _failed(self, wanted: Wish, why: Failure, *, keep_order: bool = False) -> Failure:
        """Remember why, and when to try again; what is in force stays. `Stopped` where the house's end is the reason."""
        if self._house.stopping:
            raise Stopped

        def note(tx: "Tx") -> None:
            before = acme_record.load(tx).progress
            failures = before.failures + 1
            own = acme_record.pause_s(failures, random.random())  # noqa: S311 - when, not what
            told = why.retry_s is not None and why.retry_s > 0
            order: dict[str, Any] = (
                {} if keep_order or why.code == UNREACHABLE else {"order": "", "ordered": ()}
            )
            acme_record.change(
                self._house, tx, tried=wanted.mark, failures=failures, not_before=tx.now + max(own, why.retry_s or 0),
                told=told, code=why.code, type=why.type, name=why.name, said=why.said, **order,
            )  # fmt: skip

        self._house.store.run(_WHO, note)
        self._house.log.warning("relay_acme", code=why.code, type=why.type)
        return why


__all__ = ("EVENT", "Failure", "Fetcher", "Stopped")
