"""diagnosis: which practice software runs here, what it needs, and whether this place gives it (SPEC 7.4-7.10).

Products are data (`products/*.toml`); machines are measured, seats measure themselves; ports are tried; the checklist of
the security directive is kept.
"""

from praxisd.kernel.service import Service
from praxisd.services.diagnosis import store

SERVICE = Service(
    name="diagnosis",
    package="praxisd.services.diagnosis",
    needs=("accounts", "directory", "updates"),
    tables=store.TABLES,
)
