"""Progress of runs."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0002"
down_revision = "kernel_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("kernel_run", sa.Column("progress_done", sa.BigInteger(), nullable=True))
    op.add_column("kernel_run", sa.Column("progress_total", sa.BigInteger(), nullable=True))
