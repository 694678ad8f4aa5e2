"""Who may do what with the backups; other rooms of the service take these names from here."""

from praxisd.kernel.access import Actor
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Permission

READ, OPERATE, MANAGE = "backups.read", "backups.operate", "backups.manage"
"""See them; start a run, confirm media, tick the log; change plan, sources, media and drives."""
COMMANDS = "backups.commands"
"""Name programs that praxisd itself starts on the server: the owner's alone, as it is as much as sitting at it."""
PLAIN = "backups.unencrypted"
"""Say where copies without encryption go, the vault's key among them (plan „external“ and its folder): the owner's alone, as
whoever reads that folder has the whole practice.
"""
PERMISSIONS = (
    Permission(READ, ("owner", "partner", "desk"), shared=True),
    Permission(OPERATE, ("owner", "partner", "desk"), shared=True),
    Permission(MANAGE, ("owner", "partner"), shared=True),
    Permission(COMMANDS, ("owner",), shared=True),
    Permission(PLAIN, ("owner",), shared=True),
)


def need(actor: Actor, permission: str) -> None:
    """Problem `access.forbidden` (403) for whoever lacks a right that only some uses of an operation ask for."""
    if not actor.everything and permission not in actor.permissions:
        raise Problem("access.forbidden", 403, permission=permission)
