"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "diagnosis_0001"
down_revision = None
branch_labels = ("diagnosis",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "diagnosis_software",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )
    op.create_table(
        "diagnosis_machine",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "host"),
    )
    op.create_table(
        "diagnosis_sample",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("volume", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("free_mb", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "volume", "day"),
    )
    op.create_table(
        "diagnosis_port",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("row", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "row", "direction", "target"),
    )
    op.create_table(
        "diagnosis_directive",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "item"),
    )
