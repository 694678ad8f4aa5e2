"""Events tell which run noted them; windows across midnight, which are no longer planned, end with their day."""

import json

import sqlalchemy as sa
from alembic import op

revision = "kernel_0003"
down_revision = "kernel_0002"
branch_labels = None
depends_on = None

_JOB = sa.table("kernel_job", sa.column("organization"), sa.column("name"), sa.column("plan"))


def upgrade() -> None:
    op.add_column("kernel_event", sa.Column("run", sa.Text(), nullable=True))
    op.create_index(
        "kernel_event_run",
        "kernel_event",
        ["run"],
        sqlite_where=sa.text("run IS NOT NULL"),
        postgresql_where=sa.text("run IS NOT NULL"),
    )
    # The first waiting run of each job is found in the index alone.
    op.drop_index("kernel_run_state", table_name="kernel_run")
    op.create_index("kernel_run_state", "kernel_run", ["state", "organization", "job", "due_at"])
    connection = op.get_bind()
    for organization, name, text in connection.execute(sa.select(*_JOB.c)).all():
        plan = json.loads(text)
        within = plan.get("within", {})
        if within.get("type") == "repeat" and within["end"] < within["start"]:
            within["end"] = "23:59"
            this = (_JOB.c.organization == organization) & (_JOB.c.name == name)
            connection.execute(sa.update(_JOB).where(this).values(plan=json.dumps(plan)))
