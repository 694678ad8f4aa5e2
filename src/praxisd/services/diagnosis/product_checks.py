"""What may be wrong with product data: a file with a fault, a product nobody knows any more, a source that grew old."""

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from praxisd.kernel.access import system
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.model.product import Product
from praxisd.services.diagnosis import product_view as view
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.product_reading import known

if TYPE_CHECKING:
    from praxisd.kernel.app import House

OLD_DAYS = 548
"""18 months. The source says that it is looked at regularly, by the quarter, and changed only when something changes
(seed 003, "Einleitung"); its port list came to version 3.4 between 03/2020 and 08/2023, about once a year. Older than one
and a half of that, a newer one has probably been missed.
"""


def file_subject(file: str) -> str:
    """Which file it is, without its name: people write what they like there, and subjects stay in the events."""
    return f"ProductFile/{hashlib.sha256(file.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}"


def files(house: "House") -> Iterator[Finding]:
    """Files that were left out: one finding for each, naming its first fault."""
    named: set[str] = set()
    found = known(house).faults
    for fault in found:
        if fault.file not in named:
            named.add(fault.file)
            count = sum(1 for one in found if one.file == fault.file)
            params = {
                "file": fault.file, "line": fault.line, "column": fault.column, "what": fault.brief(), "count": count
            }  # fmt: skip
            yield Finding("diagnosis.product_file_bad", file_subject(fault.file), Severity.WARNING, params)


def sources(house: "House") -> Iterator[Finding]:
    """Products the practice uses: unknown ones, and those whose source is old."""
    products = known(house).products
    with house.store.read(system("diagnosis.checks")) as tx:
        used = software_store.software(tx)
        day = view.today(house, tx)
    for one in used:
        if one.product not in products:
            named = {"product": one.product, "name": one.name or one.product}
            yield Finding("diagnosis.software_unknown", f"Software/{one.id}", Severity.WARNING, named)
    old: dict[tuple[str, date], list[Product]] = {}
    for id_ in sorted({one.product for one in used} & set(products)):
        if view.age_days(products[id_], day) > OLD_DAYS:
            source = products[id_].source
            old.setdefault((source.title, source.stand), []).append(products[id_])
    for (title, stand), several in old.items():
        params: dict[str, object] = {
            "product": ", ".join(one.name for one in several), "stand": f"{stand:%m/%Y}",
            "months": int((day - stand).days / 30.44), "title": title, "url": several[0].source.url or "–",
        }  # fmt: skip
        yield Finding("diagnosis.products_old", f"Product/{several[0].id}", Severity.INFO, params)


CHECKS = (
    Check("diagnosis.product_files", ("diagnosis.product_file_bad",), files, grave=Severity.WARNING),
    Check(
        "diagnosis.product_sources",
        ("diagnosis.software_unknown", "diagnosis.products_old"),
        sources,
        grave={"diagnosis.software_unknown": Severity.WARNING, "diagnosis.products_old": Severity.INFO},
    ),
)
