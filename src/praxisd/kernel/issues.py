"""Issue: an exact problem that is true now, raised and cleared by the same check, so a healed one vanishes.

Ignoring survives flapping: the row stays when the problem goes away, and comes back ignored (SPEC 7.4).
"""

import re
import threading
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel import events, leases
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Check, Finding, Severity
from praxisd.kernel.store import Tx, insert, mine, prepared, table

if TYPE_CHECKING:
    from praxisd.kernel.app import House

ISSUE = table(
    "kernel_issue",
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("params", sa.Text, nullable=False),
    sa.Column("first_at", sa.BigInteger, nullable=False),
    sa.Column("last_at", sa.BigInteger, nullable=False),
    sa.Column("cleared_at", sa.BigInteger),
    sa.Column("ignored_by", sa.Text),
    sa.Column("ignored_at", sa.BigInteger),
    sa.Column("ignore_reason", sa.Text),
    sa.PrimaryKeyConstraint("organization", "code", "subject"),
    sa.Index("kernel_issue_source", "source", "cleared_at"),
)
_I = ISSUE.c
_HERE = sa.and_(mine(ISSUE), _I.code == sa.bindparam("code"), _I.subject == sa.bindparam("subject"))
_GET = prepared(sa.select(ISSUE).where(_HERE))
_ADD = insert(ISSUE, ignore=True)
_SEEN = prepared(
    sa.update(ISSUE)
    .where(_HERE)
    .values(
        severity=sa.bindparam("new_severity"),
        source=sa.bindparam("new_source"),
        params=sa.bindparam("new_params"),
        first_at=sa.bindparam("new_first"),
        last_at=sa.bindparam("now"),
        cleared_at=None,
    )
)
_CLEAR = prepared(
    sa.update(ISSUE).where(_HERE, _I.cleared_at.is_(None)).values(cleared_at=sa.bindparam("now"))
)
_IGNORE = prepared(
    sa.update(ISSUE)
    .where(_HERE)
    .values(
        ignored_by=sa.bindparam("who"),
        ignored_at=sa.bindparam("moment"),
        ignore_reason=sa.bindparam("why"),
    )
)
_OPEN = prepared(sa.select(ISSUE).where(mine(ISSUE), _I.cleared_at.is_(None)).order_by(_I.code, _I.subject))
_OPEN_ALL = prepared(
    sa.select(ISSUE).where(_I.cleared_at.is_(None)).order_by(_I.organization, _I.code, _I.subject)
)
_OPEN_ALL.across = True
_SAFE = re.compile(r"[A-Za-z0-9_.:/+-]{1,80}")
SEEN_EVERY_S = 3600
"""An open issue whose facts stay the same is marked as seen again this often, in seconds."""
RUN_EVERY_S = 60.0
_LEASE_S = 180
FAILED = "issues.check_failed"
TIMEOUT = "issues.check_timeout"
FOREIGN = "issues.foreign"


class Issue(msgspec.Struct, frozen=True):
    """One open issue. Times are epoch seconds; `ignored_by` is None while nobody ignores it."""

    organization: str
    code: str
    subject: str
    severity: Severity
    source: str
    params: dict[str, Any]
    first_at: int
    last_at: int
    ignored_by: str | None = None
    ignored_at: int | None = None
    ignore_reason: str | None = None


class Report(msgspec.Struct, frozen=True):
    """What a round of checks found: all open issues of the installation, and the names of the checks that
    ran.
    """

    issues: tuple[Issue, ...]
    checked: tuple[str, ...]


def raise_issue(tx: Tx, finding: Finding, source: str) -> None:
    """Note in the transaction's organization that a problem is true now. An event only when it was not
    before.
    """
    params = msgspec.json.encode(dict(finding.params)).decode()
    row = tx.first(_GET, code=finding.code, subject=finding.subject)
    if row is None:
        added = tx.run(
            _ADD,
            code=finding.code,
            subject=finding.subject,
            severity=finding.severity.value,
            source=source,
            params=params,
            first_at=tx.now,
            last_at=tx.now,
            cleared_at=None,
            ignored_by=None,
            ignored_at=None,
            ignore_reason=None,
        )
        if added == 1:
            _note(tx, "issue.raised", finding.code, finding.subject, severity=finding.severity.value)
        return
    back = row.cleared_at is not None
    changed = (row.severity, row.params) != (finding.severity.value, params)
    if not (back or changed or tx.now - row.last_at >= SEEN_EVERY_S):
        return
    tx.run(
        _SEEN,
        code=finding.code,
        subject=finding.subject,
        new_severity=finding.severity.value,
        new_source=source,
        new_params=params,
        new_first=tx.now if back else row.first_at,
        now=tx.now,
    )
    if back:
        known = {"severity": finding.severity.value, "ignored": row.ignored_by is not None}
        _note(tx, "issue.raised", finding.code, finding.subject, **known)


def clear(tx: Tx, code: str, subject: str = "") -> bool:
    """Note that the problem is healed; False if it was not open. The row stays, with who ignores it."""
    if tx.run(_CLEAR, code=code, subject=subject, now=tx.now) != 1:
        return False
    _note(tx, "issue.cleared", code, subject)
    return True


def ignore(tx: Tx, code: str, subject: str, reason: str) -> None:
    """Stop showing an issue, also when it comes back; Problem `http.not_found` if there is none."""
    _set_ignored(tx, code, subject, tx.actor.label, tx.now, reason)


def heed(tx: Tx, code: str, subject: str) -> None:
    """Take back `ignore`."""
    _set_ignored(tx, code, subject, None, None, None)


def _set_ignored(tx: Tx, code: str, subject: str, who: str | None, at: int | None, why: str | None) -> None:
    if tx.run(_IGNORE, code=code, subject=subject, who=who, moment=at, why=why) != 1:
        raise not_found("Issue")
    _note(tx, "issue.ignored", code, subject, ignored=who is not None)


def _note(tx: Tx, type_: str, code: str, subject: str, **codes: Any) -> None:
    """An event about an issue; its subject (a path, a name) only where it cannot be a sentence."""
    if _SAFE.fullmatch(subject):
        codes["subject"] = subject
    events.note(tx, type_, "Issue", code, **codes)


def list_open(tx: Tx) -> list[Issue]:
    """The open issues of the transaction's organization, ignored ones too."""
    return [_issue(r) for r in tx.all(_OPEN)]


def list_all(tx: Tx) -> list[Issue]:
    """The open issues of all organizations and of the installation, ignored ones too."""
    return [_issue(r) for r in tx.all(_OPEN_ALL)]


def _issue(row: Any) -> Issue:
    return Issue(
        organization=row.organization,
        code=row.code,
        subject=row.subject,
        severity=Severity(row.severity),
        source=row.source,
        params=msgspec.json.decode(row.params),
        first_at=row.first_at,
        last_at=row.last_at,
        ignored_by=row.ignored_by,
        ignored_at=row.ignored_at,
        ignore_reason=row.ignore_reason,
    )


def run_checks(house: "House", names: Sequence[str] | None = None) -> Report:
    """Run the named checks (all if None) and bring the open issues in line with what they find.

    Each check has its own time limit; one that hangs or crashes is itself an issue and clears nothing.
    """
    chosen = [c for c in house.registry.checks if names is None or c.name in names]
    for check in chosen:
        _settle(house, check, *_bounded(house, check))
    if names is None:
        forget_foreign(house)
    with house.store.read(system("checks")) as tx:
        return Report(tuple(list_all(tx)), tuple(c.name for c in chosen))


def check_now(house: "House") -> None:
    """Run all checks because a person asks. Who asks while another's checks are running waits for those instead."""
    lock: threading.Lock = house.shared.setdefault("check_lock", threading.Lock())
    if lock.acquire(blocking=False):
        try:
            run_checks(house)
        finally:
            lock.release()
    else:
        with lock:
            return


def _bounded(house: "House", check: Check) -> tuple[list[Finding], bool]:
    """The findings of a check, and whether it came to an end. A hanging one is left behind in its thread."""
    hanging: dict[str, threading.Thread] = house.shared.setdefault("hanging_checks", {})
    before = hanging.get(check.name)
    if before is not None and before.is_alive():
        return [_about(check, TIMEOUT)], False
    found: list[Finding] = []
    faults: list[BaseException] = []

    def call() -> None:
        try:
            found.extend(check.call(house))
        except BaseException as error:
            faults.append(error)

    thread = threading.Thread(target=call, name=f"praxisd-check-{check.name}", daemon=True)
    thread.start()
    thread.join(check.seconds)
    if thread.is_alive():
        hanging[check.name] = thread
        house.log.warning("check_timeout", check=check.name)
        return [_about(check, TIMEOUT)], False
    hanging.pop(check.name, None)
    undeclared = sorted({f.code for f in found} - set(check.codes))
    if undeclared:
        house.log.error("check_undeclared_code", check=check.name, code=undeclared[0])
        return [_about(check, FAILED)], False
    if faults:
        house.log.error("check_failed", check=check.name, error=faults[0])
        return [_about(check, FAILED)], False
    return found, True


def _about(check: Check, code: str) -> Finding:
    return Finding(code, check.name, Severity.WARNING, {"seconds": round(check.seconds)})


def _settle(house: "House", check: Check, found: Sequence[Finding], finished: bool) -> None:
    """Raise what was found; clear what this check raised before and does not find any more."""
    now = {(f.organization or INSTALLATION, f.code, f.subject): f for f in found}
    with house.store.read(system("checks")) as tx:
        standing = [i for i in list_all(tx) if i.source == check.name]
    healed = [
        i
        for i in standing
        if (i.organization, i.code, i.subject) not in now and (finished or i.code in (FAILED, TIMEOUT))
    ]
    for organization in sorted({o for o, _, _ in now} | {i.organization for i in healed}):
        raised = [f for key, f in now.items() if key[0] == organization]
        gone = [i for i in healed if i.organization == organization]

        def work(tx: Tx, raised: Iterable[Finding] = raised, gone: Iterable[Issue] = gone) -> None:
            for finding in raised:
                raise_issue(tx, finding, check.name)
            for issue in gone:
                clear(tx, issue.code, issue.subject)

        house.store.run(system("checks", organization), work)


def doctor(house: "House", lang: str = "de") -> dict[str, Any]:
    """Run all checks; `{"issues": [...], "checked": [...]}` as SPEC 14.6 fixes it, with texts in `lang`.

    Ignored issues are left out.
    """
    report = run_checks(house)
    open_ones = [explain(house, i, lang) for i in report.issues if i.ignored_by is None]
    return {"issues": open_ones, "checked": list(report.checked)}


def explain(house: "House", issue: Issue, lang: str) -> dict[str, Any]:
    """An issue in words: code, severity, subject, title, cause, solution."""
    words = {**issue.params, "subject": issue.subject, "code": issue.code}
    reason = str(words.get("reason"))
    for told in (reason, f"{issue.code.partition('.')[0]}.{reason.replace('.', '_')}"):
        if house.texts.has(f"{told}.title"):  # a reason that is a code is told by its title
            words["reason"] = house.texts.get(f"{told}.title", lang, **issue.params)
            break
    known = issue.code if house.texts.has(f"{issue.code}.title") else FOREIGN
    return {
        "code": issue.code,
        "severity": issue.severity.value,
        "subject": issue.subject,
        **{
            part: house.texts.get(f"{known}.{part}", lang, **words) for part in ("title", "cause", "solution")
        },
    }


def forget_foreign(house: "House") -> int:
    """Clear what checks of another version or of a plug-in that is gone have left: nobody else ever would. How many.

    Where other nodes may run that version, only what none of them has seen for a while.
    """
    names = {check.name for check in house.registry.checks}
    with house.store.read(system("checks")) as tx:
        found = [
            one
            for one in list_all(tx)
            if one.source not in names
            and not house.texts.has(f"{one.code}.title")
            and (house.store.alone or one.last_at < tx.now - 2 * SEEN_EVERY_S)
        ]
    for one in found:
        house.store.run(system("checks", one.organization), partial(_cleared, one))
    return len(found)


def _cleared(one: Issue, tx: Tx) -> bool:
    return clear(tx, one.code, one.subject)


class Checker:
    """Runs all checks every minute, on one node of the installation: the one that holds the lease
    `checks`.
    """

    def __init__(self, house: "House") -> None:
        self._house = house
        self._next: float | None = None

    def step(self) -> int:
        """Run the checks if they are due; returns 0, because there is never more to do at once."""
        now = self._house.clock.monotonic()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + RUN_EVERY_S
        lease = self._house.store.run(
            system("checks"), lambda tx: leases.acquire(tx, "checks", self._house.node, _LEASE_S)
        )
        if lease is not None:
            run_checks(self._house)
        return 0
