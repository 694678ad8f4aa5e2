"""The backup record in the house of canaries: a day of the log that somebody has looked at, and who was instructed."""

from datetime import date
from typing import TYPE_CHECKING, Any

from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.store import Tx
from praxisd.model.backup_kept import Answer, LogCheck, RunKept
from praxisd.services.backups import store
from praxisd.services.backups.protocol.coverage_rules import Thing

if TYPE_CHECKING:
    from .canary_house import Aviary

DAY = date(2026, 11, 20)
THING = Thing("database", "x.concept: SQL", product="x.concept")
"""The database of the software that `canary_diagnosis` enters."""
BODIES: dict[str, Any] = {
    "backupLog.check": {"person": "Erika Beispiel"},
    "backupAnswers.put": {"value": "Technik GmbH", "person": "Erika Beispiel"},
    "backupCoverage.decide": {
        "things": [THING.id],
        "decision": "exclude",
        "reason": "Sichert der Hersteller",
        "person": "Erika Beispiel",
    },
}
"""What the operations of the record are asked with on the tour."""


def let_in(nest: "Aviary") -> None:
    """A run of the Friday before, a look at it with a remark, and answers with names of staff in them."""
    looker, remark, taught = (nest.bird(f"backups.{one}") for one in ("looker", "remark", "instructed"))

    def work(tx: Tx) -> None:
        run = RunKept("canary-run", "backup", DAY, "plan", tx.now - 200_000, "good", "evening", "fri_away")
        store.RUN.put(tx, run.id, run, at=run.asked, kind=run.kind, state=run.state)
        check = LogCheck(DAY, looker, tx.now, "green", f"mit {remark} besprochen")
        store.CHECK.put(tx, DAY.isoformat(), check, at=tx.now)
        store.ANSWER.put(tx, "instructed", Answer("instructed", taught, looker, tx.now), at=tx.now)

    nest.house.store.run(system("test", INSTALLATION), work)
    nest.note("log", DAY.isoformat())
    nest.note("answers", "technician", "instructed")
