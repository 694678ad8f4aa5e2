"""Tables of the laptops."""

revision = "exchange_0002"
down_revision = "exchange_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet: its room fills it."""
