"""What the kernel itself brings, declared like any service: tables, settings, events, jobs, checks, permissions."""

from praxisd.kernel import events, idempotency, issues, job_store, leases, settings
from praxisd.kernel.service import Service

_TABLES = (
    events.EVENT,
    events.CURSOR,
    leases.LEASE,
    settings.SETTING,
    issues.ISSUE,
    job_store.JOB,
    job_store.RUN,
    idempotency.IDEMPOTENCY,
)

SERVICE = Service(
    name="kernel",
    package="praxisd.kernel",
    tables=tuple(one.name for one in _TABLES),
)
