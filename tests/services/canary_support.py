"""The support in the house of canaries: a service partner is entered, and a package is there."""

from typing import Any

from praxisd.kernel.access import system
from praxisd.kernel.store import Tx
from praxisd.services.support import store

BODIES: dict[str, Any] = {
    "supportContact.preview": {"text": "Der Drucker am Empfang ist langsam."},
    "supportContact.send": {"digest": "0" * 64, "once": "click-0001"},
    "supportBundle.send": {"once": "click-0002"},
}
"""What the operations of the support are asked with on the tour."""


def let_in(nest: Any) -> None:
    """The partner's address, and a package that was made before."""
    line = '{"part":"bundle","format":1}\n'

    def work(tx: Tx) -> None:
        nest.house.settings.put(tx, "support.partner_email", "hilfe@systemhaus.example")
        store.add(
            tx, id="package-1", created_at=tx.now, created_by="cli:cli", lines=1, bytes=len(line), digest="0" * 64, content=line
        )  # fmt: skip

    nest.house.store.run(system("test", nest.practice.organization), work)
    nest.note("bundle", "package-1")
