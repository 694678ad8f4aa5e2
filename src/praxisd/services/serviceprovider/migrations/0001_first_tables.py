"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "serviceprovider_0001"
down_revision = None
branch_labels = ("serviceprovider",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "serviceprovider_pair",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("software", sa.Text(), nullable=False),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "software"),
    )
