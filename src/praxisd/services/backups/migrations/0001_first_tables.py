"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "backups_0001"
down_revision = None
branch_labels = ("backups",)
depends_on = None

_PLAIN = ("plan", "drive", "medium", "source", "secret", "check", "answer", "move")
_OF_MEDIUM = ("stay", "wrap", "snapshot")


def _documents(name: str, *columns: str) -> None:
    op.create_table(
        f"backups_{name}",
        sa.Column("organization", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        *(sa.Column(column, sa.Text(), nullable=False) for column in columns),
        sa.Column("doc", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organization", "id"),
    )


def upgrade() -> None:
    for name in _PLAIN:
        _documents(name)
    for name in _OF_MEDIUM:
        _documents(name, "medium")
        op.create_index(f"backups_{name}_medium", f"backups_{name}", ["organization", "medium", "at"])
    _documents("run", "kind", "state")
    op.create_index("backups_run_at", "backups_run", ["organization", "at"])
