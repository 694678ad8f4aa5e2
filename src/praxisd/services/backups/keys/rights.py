"""Who may print the recovery sheet and change the password."""

from praxisd.kernel.service import Permission

KEYS = "backups.keys"
PERMISSIONS = (Permission(KEYS, ("owner",), shared=True),)
