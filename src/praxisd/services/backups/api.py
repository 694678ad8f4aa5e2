"""The only door of the backups for other services and for the composition root."""

from praxisd.services.backups.moving.standing import before_serving
from praxisd.services.backups.restoring.after import settled
from praxisd.services.backups.restoring.exchange import database_moved, settle
from praxisd.services.backups.restoring.exchange import waits as exchange_waits

__all__ = ("before_serving", "database_moved", "exchange_waits", "settle", "settled")
