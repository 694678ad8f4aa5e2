"""What is remembered of the certificate from an authority: row `acme` of relay_certificate, its column `detail` as JSON.

When it is due is decided here, from what is remembered alone.
"""

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from praxisd.kernel.access import INSTALLATION
from praxisd.services.relay import certificate_making, certificates, identity, settings, store
from praxisd.services.relay.certificate_making import Material

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

ACME = "acme"
HOUR_S, DAY_S = 3_600, 86_400
_SPREAD = 1 << 32


class Progress(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How far it is. Times are epoch seconds.

    `kid`: the account at `directory`; `order`: one that is under way, for `ordered`; `issuer`: the directory the present
    chain comes from. `tried`: what was wished for at the last try (directory, address, names), `failures` since the last
    success, not before `not_before` again, which the authority demanded if `told`. `code`, `type`, `name`, `said`: why
    the last try failed. `skipped`: former names that do not lead here any more. `asks` and `done` count what people asked
    for, and what of it was tried.
    """

    directory: str = ""
    kid: str = ""
    order: str = ""
    ordered: tuple[str, ...] = ()
    issuer: str = ""
    tried: tuple[str, ...] = ()
    tried_at: int = 0
    failures: int = 0
    not_before: int = 0
    told: bool = False
    code: str = ""
    type: str = ""
    name: str = ""
    said: str = ""
    skipped: tuple[str, ...] = ()
    asks: int = 0
    done: int = 0


class Wish(NamedTuple):
    """What is to be had: from whom, and for which names. The first `needed` ones are those in force, others former ones."""

    directory: str
    email: str
    names: tuple[str, ...]
    needed: int

    @property
    def mark(self) -> tuple[str, ...]:
        """Another one is another wish: it need not wait for what became of the last."""
        return (self.directory, self.email, *self.names)


class Record(NamedTuple):
    """The row. `names` are those of the present chain; nothing is there before the first try."""

    progress: Progress = Progress()
    chain: str = ""
    names: tuple[str, ...] = ()
    not_after: int | None = None

    @property
    def renew_at(self) -> int:
        """When the present chain is due: a third of its life before its end and, so that not all come on one day, up to a
        thirtieth earlier, the same for one chain each time. 0 without one.
        """
        if not self.chain:
            return 0
        leaf = Material(self.chain, b"").leaf
        begins, ends = (int(one.timestamp()) for one in (leaf.not_valid_before_utc, leaf.not_valid_after_utc))
        part = int.from_bytes(hashlib.sha256(self.chain.encode()).digest()[:4]) / _SPREAD
        return ends - round((ends - begins) * (1 / 3 + part / 30))


def wish(facts: identity.Facts, chosen: settings.Chosen) -> Wish:
    """What the settings and the enrolment ask for."""
    needed = tuple(dict.fromkeys(one for one in (facts.host, chosen.own_name) if one))
    former = tuple(one.host for one in facts.previous if one.host and one.host not in needed)
    return Wish(chosen.acme_directory, chosen.acme_email, (*needed, *dict.fromkeys(former)), len(needed))


def due(record: Record, wanted: Wish, now: int) -> bool:
    """Is a try to be made now?"""
    said = record.progress
    asked = said.asks > said.done
    if not wanted.names or not wanted.needed or not wanted.directory:
        return False
    names = set(wanted.names) - set(said.skipped)
    needed = (
        asked
        or not record.chain
        or said.issuer != wanted.directory
        or set(record.names) != names
        or now >= record.renew_at
    )
    if not needed or now >= said.not_before:
        return needed
    if said.told and said.tried[:1] == (wanted.directory,):
        return False
    return asked or said.tried != wanted.mark


def pause_s(failures: int, part: float) -> int:
    """How long to wait after so many failures: an hour, doubling to a day, `part` (0 to 1) of a tenth more. Seconds."""
    return round(min(DAY_S, HOUR_S * 2 ** min(failures - 1, 10)) * (1 + part / 10))


def load(tx: "Tx") -> Record:
    """The row as it stands."""
    return _record(store.certificate(tx, ACME))


def _record(row: Any) -> Record:
    if row is None:
        return Record()
    progress = msgspec.json.decode(row.detail or "{}", type=Progress)
    return Record(progress, row.chain, tuple(row.names.split()), row.not_after)


def keys(house: "House", tx: "Tx") -> tuple[bytes, bytes]:
    """The key of the certificate and that of the account (PEM); the row is made with the first call.

    The first key is the one portals know from our own certificate: their pins hold.
    """
    row = store.certificate(tx, ACME)
    if row is None:
        own = store.certificate(tx, "own")
        sealed = (
            [house.vault.seal(certificates.SEALED, INSTALLATION, certificate_making.new_key()) for _ in "12"]
            if own is None
            else [own.key_sealed, own.next_sealed]
        )
        account = house.vault.seal(certificates.SEALED, INSTALLATION, certificate_making.new_key())
        store.seed_certificate(
            tx, source=ACME, chain="", key_sealed=sealed[0], next_sealed=sealed[1], account_sealed=account,
            names="", not_after=None, detail="{}",
        )  # fmt: skip
        row = store.certificate(tx, ACME)
    found: Any = row
    key, account_key = (
        house.vault.open(certificates.SEALED, INSTALLATION, one)
        for one in (found.key_sealed, found.account_sealed)
    )
    return key, account_key


def change(house: "House", tx: "Tx", chain: Material | None = None, **progress: Any) -> Progress:
    """Remember more, and a new chain if there is one; what another node has written meanwhile is kept."""
    keys(house, tx)
    store.lock_certificate(tx, ACME)
    row: Any = store.certificate(tx, ACME)
    made = msgspec.structs.replace(_record(row).progress, **progress)
    store.put_certificate(
        tx,
        source=ACME,
        chain=row.chain if chain is None else chain.chain,
        key_sealed=row.key_sealed,
        next_sealed=row.next_sealed,
        account_sealed=row.account_sealed,
        names=row.names if chain is None else " ".join(chain.names),
        not_after=row.not_after if chain is None else chain.not_after,
        detail=msgspec.json.encode(made).decode(),
    )
    return made
