"""Treatments; an index of birthdays by their day of the year."""

import sqlalchemy as sa
from alembic import op

revision = "directory_0003"
down_revision = "directory_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_treatment",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("patient", sa.Text(), nullable=False),
        sa.Column("mandator", sa.Text(), nullable=False),
        sa.Column("opened", sa.Text(), nullable=False),
        sa.Column("closed", sa.Text(), nullable=True),
        sa.Column("entered", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
        sa.UniqueConstraint("id", name="directory_treatment_id"),
    )
    op.create_index(
        "directory_treatment_opened",
        "directory_treatment",
        ["organization", "opened", "entered"],
        unique=False,
    )
    op.create_index(
        "directory_treatment_patient",
        "directory_treatment",
        ["organization", "patient", "opened", "entered", "mandator"],
        unique=False,
    )
    op.create_index(
        "directory_patient_birthday",
        "directory_patient",
        ["organization", sa.text("substr(birth_date, 6, 5)")],
        unique=False,
    )
