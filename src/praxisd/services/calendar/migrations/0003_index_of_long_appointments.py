"""Index of the appointments that last longer than a day: drawing a day no longer reads the whole past for them."""

import sqlalchemy as sa
from alembic import op

revision = "calendar_0003"
down_revision = "calendar_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "calendar_appointment_long",
        "calendar_appointment",
        ["organization", "end"],
        unique=False,
        sqlite_where=sa.text('"end" - start > 86400'),
        postgresql_where=sa.text('"end" - start > 86400'),
    )
