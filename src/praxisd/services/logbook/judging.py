"""What is kept of an entry: each value by its class, patient values only while „Diagnose" is on."""

from praxisd.services.logbook import rules
from praxisd.services.logbook.entries import LogEntry


def judged(entry: LogEntry, got: int, *, diagnose: bool) -> rules.Kept:
    """What is kept of an entry that came at `got` (epoch ms). Patient values only where `diagnose` is on."""
    by_class: dict[str, dict[str, object]] = {"tech": {}, "pseudonym": {}, "patient": {}}
    for name, one in entry.fields.items():
        by_class[one.class_][name] = rules.clean(one.value) if isinstance(one.value, str) else one.value
    at = rules.moment(entry.at)
    private = by_class["patient"]
    return rules.Kept(
        entry.seq,
        got if at is None else at,
        rules.placed(got if at is None else at, got),
        rules.NUMBERS[entry.level],
        entry.kind,
        entry.code,
        rules.encoded(by_class["tech"]),
        rules.encoded(by_class["pseudonym"]),
        rules.clean(entry.text or ""),
        rules.encoded(private) if private and diagnose else None,
    )
