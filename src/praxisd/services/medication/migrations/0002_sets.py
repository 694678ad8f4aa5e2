"""Tables of the data sets and of use."""

import sqlalchemy as sa
from alembic import op

revision = "medication_0002"
down_revision = "medication_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "medication_confirmed",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("element", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sample", sa.Integer(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "element", "source", "sample"),
    )
    op.create_table(
        "medication_use",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "product"),
    )
    op.create_index("medication_use_often", "medication_use", ["organization", "times"])
