"""Leases that are held."""

import sqlalchemy as sa
from alembic import op

revision = "kernel_0005"
down_revision = "kernel_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "kernel_lease_held",
        "kernel_lease",
        ["organization", "holder"],
        unique=False,
        sqlite_where=sa.text("expires_at > 0"),
        postgresql_where=sa.text("expires_at > 0"),
    )
