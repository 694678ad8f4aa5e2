"""Who may do what with the backups; other rooms of the service take these names from here."""

from praxisd.kernel.service import Permission

READ, OPERATE, MANAGE = "backups.read", "backups.operate", "backups.manage"
"""See them; start a run, confirm media, tick the log; change plan, sources, media and drives."""
COMMANDS = "backups.commands"
"""Name programs that praxisd itself starts on the server: the owner's alone, as it is as much as sitting at it."""
PERMISSIONS = (
    Permission(READ, ("owner", "partner", "desk")),
    Permission(OPERATE, ("owner", "partner", "desk")),
    Permission(MANAGE, ("owner", "partner")),
    Permission(COMMANDS, ("owner",)),
)
