"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "fridge_0001"
down_revision = None
branch_labels = ("fridge",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fridge_reading",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("tenths", sa.Integer(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_index("fridge_reading_at", "fridge_reading", ["organization", "at"], unique=False)
