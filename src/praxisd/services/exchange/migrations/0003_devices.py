"""Tables of the devices."""

revision = "exchange_0003"
down_revision = "exchange_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet: its room fills it."""
