"""Remote support: who was let in, for what and until when."""

import sqlalchemy as sa
from alembic import op

revision = "support_0002"
down_revision = "support_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "support_remote",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Text(), nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("session", sa.Text(), nullable=False),
        sa.Column("entered_at", sa.BigInteger(), nullable=True),
        sa.Column("entered_from", sa.Text(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
