"""Index of what the list of patients sorts by and searches in, so that 100,000 documents are not read to show 50."""

import sqlalchemy as sa
from alembic import op

revision = "directory_0002"
down_revision = "directory_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "directory_patient_listed",
        "directory_patient",
        ["organization", "family_key", "given_key", "birth_date", "active", "words", "id"],
        unique=False,
        sqlite_where=sa.text("merged_into IS NULL"),
        postgresql_where=sa.text("merged_into IS NULL"),
    )
