"""Who may give back: the owner. Names of files in a backup may name patients."""

from praxisd.kernel.service import Permission

RESTORE = "backups.restore"
PERMISSIONS = (Permission(RESTORE, ("owner",), shared=True),)
