"""Issue: an exact problem that is true now. Raised and cleared by the same check, so a healed one vanishes by itself.

Ignoring survives flapping: the row stays when the problem goes away, and comes back ignored (SPEC 7.4).
"""

import threading
from collections.abc import Mapping, Sequence
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
