"""Code and steps of the first start."""

import sqlalchemy as sa
from alembic import op

revision = "setup_0001"
down_revision = None
branch_labels = ("setup",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "setup_code",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("organization"),
    )
    op.create_table(
        "setup_step",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("skipped_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "step"),
    )
