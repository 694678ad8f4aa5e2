"""First tables: take-overs."""

revision = "exchange_0001"
down_revision = None
branch_labels = ("exchange",)
depends_on = None


def upgrade() -> None:
    """Nothing yet: its room fills it."""
