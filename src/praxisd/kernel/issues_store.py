"""Issue: an exact problem that is true now, raised and cleared by the same check, so a healed one vanishes.

Ignoring survives flapping: the row stays when the problem goes away, and comes back ignored (SPEC 7.4).
"""

import re
from typing import Any

import msgspec
import sqlalchemy as sa

from praxisd.kernel import events
from praxisd.kernel.errors import not_found
from praxisd.kernel.finding import Finding, Severity
from praxisd.kernel.store import Tx, insert, mine, prepared, table

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
SAFE = re.compile(r"[A-Za-z0-9_.:/+-]{1,80}")
"""A subject of this form cannot be a sentence: events may carry it."""
SEEN_EVERY_S = 3600
"""An open issue whose facts stay the same is marked as seen again this often, in seconds."""


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
    if SAFE.fullmatch(subject):
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
