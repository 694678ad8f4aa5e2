"""What is wrong now, looked at each minute. What a check does not find any more vanishes by itself."""

from collections.abc import Iterator

from praxisd.kernel.access import system
from praxisd.kernel.app import House
from praxisd.kernel.clock import format_rfc3339
from praxisd.kernel.service import Check, Finding, Severity
from praxisd_fridge import rules, store

WARM, COLD, OVERDUE = "fridge.too_warm", "fridge.too_cold", "fridge.not_measured"


def look(house: House) -> Iterator[Finding]:
    """Each practice in turn; one that never measured anything has no such refrigerator."""
    with house.store.read(system("fridge")) as tx:
        practices = house.shared["organizations"](tx)
    for practice in practices:
        with house.store.read(system("fridge", practice)) as tx:
            lowest, highest, hours = (
                house.settings.get(tx, f"fridge.{one}") for one in ("lowest", "highest", "every_hours")
            )
            last = next(iter(store.newest(tx, 1)), None)
            now = tx.now
        if last is None:
            continue
        params = {"celsius": f"{last.tenths / 10:g}", "at": format_rfc3339(last.at)}
        state = rules.verdict(last.tenths, lowest, highest)
        if state == "warm":
            yield Finding(WARM, "", Severity.ERROR, {**params, "highest": highest}, practice)
        elif state == "cold":
            yield Finding(COLD, "", Severity.ERROR, {**params, "lowest": lowest}, practice)
        if rules.overdue(last.at, now, hours):
            yield Finding(OVERDUE, "", Severity.WARNING, {**params, "hours": hours}, practice)


CHECKS = (
    Check(
        "fridge.temperature",
        (WARM, COLD, OVERDUE),
        look,
        grave={WARM: Severity.ERROR, COLD: Severity.ERROR, OVERDUE: Severity.WARNING},
    ),
)
