"""Treatments as a table of the console: opened last first, with patient and mandator; cut and sorted by the database."""

from typing import Any

from praxisd.kernel.console import Column, Listing, ListingPage, ListingQuery, Row, folded
from praxisd.kernel.service import Call
from praxisd.model.people import treatment_status
from praxisd.services.directory import claims, store, treatment_store, treatments

STATUSES = ("planned", "active", "finished")


def _rows(call: Call, query: ListingQuery) -> ListingPage:
    with call.read() as tx:
        today = treatments.today(tx)
        mandators = {one.id: one.name for one in store.mandators.all(tx)}
        conditions: list[Any] = treatment_store.opened_between(query.from_, query.to)
        if "status" in query.filters:
            conditions.append(treatment_store.standing(query.filters["status"], today.isoformat()))
        if "mandator" in query.filters:
            wanted = folded(query.filters["mandator"])
            named = [id_ for id_, name in mandators.items() if wanted in folded(name)]
            conditions.append(treatment_store.of_mandators(named))
        total = store.treatments.count(tx, *conditions)
        down = (query.sort or TREATMENTS.sort).startswith("-")
        found = treatment_store.sorted_page(tx, conditions, down=down, offset=query.offset, limit=query.limit)
        names = claims.names(tx, [one.patient for one in found])
    rows = [
        Row(
            id=one.id,
            cells={
                "opened": one.opened.isoformat(),
                "closed": None if one.closed is None else one.closed.isoformat(),
                "status": treatment_status(one, today),
                "patient": names.get(one.patient),
                "mandator": mandators.get(one.mandator, ""),
            },
        )
        for one in found
    ]
    return ListingPage(rows, more=query.offset + len(rows) < total, total=total)


TREATMENTS = Listing(
    "directory.treatments",
    "directory.treatment.read",
    (
        Column("opened", "date", sortable=True),
        Column("closed", "date"),
        Column("status", "choice", filter=True, choices=STATUSES, words="treatment_status"),
        Column("patient", personal=True),
        Column("mandator", filter=True),
    ),
    _rows,
    period="opened",
    sort="-opened",
    problems=((409, "directory.organization_missing"),),
)
