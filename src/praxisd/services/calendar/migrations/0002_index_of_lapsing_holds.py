"""Index of lapsing holds: a booking that looks for them no longer walks through the whole column."""

import sqlalchemy as sa
from alembic import op

revision = "calendar_0002"
down_revision = "calendar_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "calendar_busy_lapse",
        "calendar_busy",
        ["organization", "schedule", "expires_at"],
        unique=False,
        sqlite_where=sa.text("expires_at IS NOT NULL"),
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
