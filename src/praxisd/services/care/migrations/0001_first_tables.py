"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "care_0001"
down_revision = None
branch_labels = ("care",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "care_work",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ms", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_index("care_work_kind", "care_work", ["organization", "kind", "at"], unique=False)
