"""Tables and statements of jobs and runs.

What decides: UNIQUE(organization, job, due_at), at most one running run per job, and the fence.
"""

import sqlalchemy as sa

from praxisd.kernel.store import insert, mine, prepared, table

JOB = table(
    "kernel_job",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("zone", sa.Text, nullable=False),
    sa.Column("enabled", sa.Integer, nullable=False),
    sa.Column("missed", sa.Text, nullable=False),
    sa.Column("max_age_s", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("updated_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("organization", "name"),
    sa.Index("kernel_job_due", "enabled", "next_at"),
)
RUN = table(
    "kernel_run",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_at", sa.BigInteger),
    sa.Column("ended_at", sa.BigInteger),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("lease_until", sa.BigInteger, nullable=False),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("triggered_by", sa.Text, nullable=False),
    sa.Column("cancel_requested", sa.Integer, nullable=False),
    sa.Column("progress_done", sa.BigInteger),
    sa.Column("progress_total", sa.BigInteger),
    sa.PrimaryKeyConstraint("organization", "id"),
    sa.UniqueConstraint("organization", "job", "due_at", name="kernel_run_once"),
    sa.Index("kernel_run_state", "state", "organization", "job", "due_at"),
)
_alone = sa.Index(
    "kernel_run_alone",
    RUN.c.organization,
    RUN.c.job,
    unique=True,
    sqlite_where=sa.text("state = 'running'"),
    postgresql_where=sa.text("state = 'running'"),
)
"""The database itself refuses two running runs of one job."""

_J = JOB.c
_R = RUN.c
_HERE = sa.and_(mine(JOB), _J.name == sa.bindparam("name"))
_THIS = sa.and_(mine(RUN), _R.id == sa.bindparam("id"))
_HELD = sa.and_(_THIS, _R.fence == sa.bindparam("its_fence"), _R.state == "running")

ADD_JOB = insert(JOB, ignore=True)
ADD_RUN = insert(RUN, ignore=True)
GET_JOB = prepared(sa.select(JOB).where(_HERE))
LOCK_JOB = prepared(
    lambda dialect: (
        sa.select(JOB).where(_HERE).with_for_update(skip_locked=True)
        if dialect == "postgresql"
        else sa.select(JOB).where(_HERE)
    )
)
WAITING_JOBS = prepared(
    sa.select(JOB)
    .where(mine(JOB), _J.enabled == 1, _J.plan.like('{"type":"after"%'))  # as schedule.to_json writes it
    .order_by(_J.name)
)
"""Jobs that are on and start when another has ended."""
KNOWN_JOBS = prepared(sa.select(_J.organization, _J.name, _J.zone, _J.enabled))
KNOWN_JOBS.across = True
DUE_JOBS = prepared(
    sa.select(_J.organization, _J.name)
    .where(_J.enabled == 1, _J.next_at <= sa.bindparam("now"))
    .order_by(_J.next_at)
)
DUE_JOBS.across = True
NEXT_DUE = prepared(
    sa.select(sa.func.min(_J.next_at)).where(_J.enabled == 1, _J.next_at > sa.bindparam("now"))
)
NEXT_DUE.across = True
MOVE_JOB = prepared(
    sa.update(JOB).where(_HERE).values(next_at=sa.bindparam("new_next"), zone=sa.bindparam("new_zone"))
)
CHANGE_JOB = prepared(
    sa.update(JOB)
    .where(_HERE, _J.version == sa.bindparam("expected"))
    .values(
        plan=sa.bindparam("new_plan"),
        enabled=sa.bindparam("new_enabled"),
        missed=sa.bindparam("new_missed"),
        max_age_s=sa.bindparam("new_max_age_s"),
        next_at=sa.bindparam("new_next"),
        version=_J.version + 1,
        updated_at=sa.bindparam("now"),
    )
)

GET_RUN = prepared(sa.select(RUN).where(_THIS))
OPEN_RUNS = prepared(
    sa.select(RUN)
    .where(mine(RUN), _R.job == sa.bindparam("job"), _R.state.in_(("waiting", "running", "interrupted")))
    .order_by(_R.due_at)
)
_first = (
    sa.select(_R.organization, _R.job, sa.func.min(_R.due_at).label("due_at"))
    .where(_R.state.in_(("waiting", "interrupted")))
    .group_by(_R.organization, _R.job)
    .subquery()
)
CLAIMABLE = prepared(
    sa.select(
        _R.organization, _R.id, _R.job, _R.fence, _R.cancel_requested, _R.state, _R.due_at, _R.triggered_by
    )
    .join(
        _first,
        sa.and_(
            _R.organization == _first.c.organization,
            _R.job == _first.c.job,
            _R.due_at == _first.c.due_at,
        ),
    )
    .order_by(_R.due_at, _R.id)
)
"""Of each job the run that is next, however many wait behind it; earliest first."""
CLAIMABLE.across = True
RUNNING = prepared(
    sa.select(_R.organization, _R.id, _R.job, _R.lease_until, _R.owner).where(_R.state == "running")
)
RUNNING.across = True
LOCK_RUN = prepared(
    lambda dialect: (
        sa.select(RUN).where(_THIS).with_for_update(skip_locked=True)
        if dialect == "postgresql"
        else sa.select(RUN).where(_THIS)
    )
)
CLAIM = prepared(
    sa.update(RUN)
    .where(_THIS, _R.fence == sa.bindparam("its_fence"), _R.state.in_(("waiting", "interrupted")))
    .values(
        state="running",
        owner=sa.bindparam("who"),
        lease_until=sa.bindparam("until"),
        fence=_R.fence + 1,
        attempt=_R.attempt + 1,
        started_at=sa.func.coalesce(_R.started_at, sa.bindparam("now")),
    )
    .returning(*_R)
)
HEARTBEAT = prepared(
    sa.update(RUN).where(_HELD).values(lease_until=sa.bindparam("until")).returning(_R.cancel_requested)
)
CHECKPOINT = prepared(
    sa.update(RUN)
    .where(_HELD)
    .values(
        cursor=sa.bindparam("new_cursor"),
        counts=sa.bindparam("new_counts"),
        lease_until=sa.bindparam("until"),
    )
    .returning(_R.cancel_requested)
)
PROGRESS = prepared(
    sa.update(RUN)
    .where(_HELD)
    .values(progress_done=sa.bindparam("done"), progress_total=sa.bindparam("total"))
)
UNDER_WAY = prepared(sa.select(RUN).where(_R.state == "running", _R.progress_total.is_not(None)))
"""Runs of all organizations that tell how far they are."""
UNDER_WAY.across = True
END = prepared(
    sa.update(RUN)
    .where(_HELD)
    .values(
        state=sa.bindparam("new_state"),
        ended_at=sa.bindparam("ended"),
        counts=sa.bindparam("new_counts"),
        code=sa.bindparam("new_code"),
        lease_until=0,
    )
)
"""End or interrupt a run that is still held: 0 rows mean that the lease was lost."""
CLOSE = prepared(
    sa.update(RUN)
    .where(_THIS, _R.fence == sa.bindparam("its_fence"), _R.state == sa.bindparam("old_state"))
    .values(
        state=sa.bindparam("new_state"),
        ended_at=sa.bindparam("ended"),
        code=sa.bindparam("new_code"),
        lease_until=0,
    )
)
"""Change the state of a run nobody works on."""
ASK_CANCEL = prepared(sa.update(RUN).where(_THIS).values(cancel_requested=1))
FINISHED = ("success", "failed", "missed", "cancelled")
LAST_ENDS = prepared(
    sa.select(_R.state, _R.code)
    .where(mine(RUN), _R.job == sa.bindparam("job"), _R.state.in_(("success", "failed")))
    .order_by(_R.due_at.desc())
    .limit(sa.bindparam("at_most"))
)
NTH_NEWEST = prepared(
    sa.select(_R.due_at)
    .where(mine(RUN), _R.job == sa.bindparam("job"), _R.state.in_(FINISHED))
    .order_by(_R.due_at.desc())
    .offset(sa.bindparam("keep"))
    .limit(1)
)
"""The newest due time that is no longer among the `keep` newest."""
OLD_RUNS = prepared(
    sa.select(_R.id)
    .where(
        mine(RUN),
        _R.job == sa.bindparam("job"),
        _R.state.in_(FINISHED),
        _R.due_at <= sa.bindparam("upto"),
        _R.ended_at < sa.bindparam("before"),
    )
    .order_by(_R.due_at)
    .limit(sa.bindparam("at_most"))
)
DROP_RUN = prepared(sa.delete(RUN).where(_THIS))
