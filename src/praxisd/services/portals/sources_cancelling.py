"""Which booking a message calls off. Only what it names for certain: a number, or exactly one booking of the same source.

Nothing is cancelled by guess. Where only words say it is a cancellation, or only person and time say which booking is meant,
the request asks the desk (`deciding.CANCELS`) and its appointment stays until somebody decides; where nothing is meant for
certain, the message is kept as one that cancels nothing known (`CANCELS_UNKNOWN`).
"""

from dataclasses import replace

from praxisd.kernel.store import Tx
from praxisd.model.portals import BookingRequest, Told
from praxisd.services.portals import deciding, requests_store, store
from praxisd.services.portals.reading import Reading
from praxisd.services.portals.requests_again import CANCELS_UNKNOWN
from praxisd.services.portals.requests_block import ORIGINAL_MOST, Incoming, remote_of, safe

_R = store.REQUEST.c
_GOES_ON = (*requests_store.WAITING, "accepted")


def tied(tx: Tx, said: Incoming, one: Reading) -> Incoming:
    """The cancellation, tied to the one booking it means, if there is exactly one. `said` as it came from `one`."""
    said = replace(said, original="\n\n".join(each for each in (one.subject, one.text) if each))
    if one.named and not one.perhaps:
        return said
    known = _named(tx, said) if one.named else _meant(tx, said)
    if known is None:
        return replace(said, reason=CANCELS_UNKNOWN)
    return replace(said, remote=known.remote, reason=deciding.CANCELS)


def _named(tx: Tx, said: Incoming) -> BookingRequest | None:
    owner = said.portal.id if said.portal else ""
    return requests_store.of_remote(tx, said.origin, owner, remote_of(said.remote))


def _meant(tx: Tx, said: Incoming) -> BookingRequest | None:
    """The one booking of this source with this time and person; one that has taken this message in already comes first."""
    if said.start is None or not said.told.family.strip():
        return None
    found = [
        each
        for each in store.REQUESTS.all(tx, _R.origin == said.origin, _R.doc.contains(str(said.start)))
        if each.source == said.source and said.start in _times(each) and _same(each.told, said.told)
    ]
    heard = [each for each in found if safe(said.original, ORIGINAL_MOST).strip() in each.original]
    meant = heard or [each for each in found if each.state in _GOES_ON]
    return meant[0] if len(meant) == 1 else None


def _times(one: BookingRequest) -> tuple[int | None, ...]:
    return one.start, one.wished, one.there.start if one.there else None


def _same(known: Told, said: Told) -> bool:
    """True if both tell the same name, and not two days of birth."""
    names = [(_plain(one.family), _plain(one.given)) for one in (known, said)]
    return names[0] == names[1] and (
        "" in (known.birth_date, said.birth_date) or known.birth_date == said.birth_date
    )


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
