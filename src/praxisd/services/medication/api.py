"""The door of medication for other services. Functions that write take the open write transaction.

`house` comes along where the data set may be asked: it lies in files, not in the database.
"""

from praxisd.kernel.store import Tx
from praxisd.model.statement import Risk, Statement
from praxisd.services.medication import statement_store
from praxisd.services.medication.bringing import (
    amend,
    bring,
    has_risk,
    has_statement,
    put_back,
    remove,
    take_back,
    take_risk,
    take_statement,
)
from praxisd.services.medication.bringing import of_patients as statements
from praxisd.services.medication.bringing import risks_of_patients as risks
from praxisd.services.medication.finding import search
from praxisd.services.medication.risks import enter as enter_risk
from praxisd.services.medication.statement_store import Kept, kept, risks_of, statements_of
from praxisd.services.medication.statements import enter as enter_statement

__all__ = [
    "Kept",
    "amend",
    "bring",
    "enter_risk",
    "enter_statement",
    "has_risk",
    "has_statement",
    "kept",
    "put_back",
    "remove",
    "risk",
    "risks",
    "risks_of",
    "search",
    "statement",
    "statements",
    "statements_of",
    "take_back",
    "take_risk",
    "take_statement",
]


def statement(tx: Tx, id_: str) -> Statement | None:
    """One statement, or None."""
    return statement_store.statements.get(tx, id_)


def risk(tx: Tx, id_: str) -> Risk | None:
    """One risk, or None."""
    return statement_store.risks.get(tx, id_)
