"""Whether every user may delete files in a folder (seed 003: TEMP below the program folder of x.isynet and x.vianova)."""

import os
import stat
import sys
from functools import partial

from praxisd.model.machine import FolderRight
from praxisd.services.diagnosis.measuring_powershell import powershell
from praxisd.services.diagnosis.measuring_probe import Undetermined, attempt, bounded, output

WAIT_S = 8.0 if sys.platform == "win32" else 3.0
"""PowerShell takes a moment to begin."""
_EVERYONE = ("S-1-1-0", "S-1-5-32-545", "S-1-5-11")
"""Everyone, Users, Authenticated Users: the groups that every user belongs to, in any language."""
_DELETE, _DELETE_CHILD, _GENERIC_ALL = 0x10000, 0x40, 0x10000000


def folder_right(folder: str) -> FolderRight:
    """Of one folder on this computer. A folder that answers nobody (a share that is gone) takes `WAIT_S` once; while it
    hangs, the next ones who ask are told "timeout" at once.
    """
    granted = attempt(bounded, f"right {folder}", partial(_granted, folder), WAIT_S)
    return FolderRight(folder=folder, granted=granted)


def _granted(folder: str) -> bool:
    if not os.path.isdir(folder):
        raise Undetermined("no_volume")
    if sys.platform == "win32":
        return rules_grant(output(powershell(rights_script(folder)), 15))
    return mode_grants(os.stat(folder).st_mode)


def rights_script(folder: str) -> str:
    """The program that prints one line for each rule of a folder: kind, rights as a number, SID."""
    return (
        f"(Get-Acl -LiteralPath {quoted(folder)}).GetAccessRules("
        "$true, $true, [System.Security.Principal.SecurityIdentifier]) | ForEach-Object { "
        '"$($_.AccessControlType) $([int64]$_.FileSystemRights) $($_.IdentityReference.Value)" }'
    )


def quoted(text: str) -> str:
    """A text as one literal of PowerShell."""
    return "'" + text.replace("'", "''") + "'"


def mode_grants(mode: int) -> bool:
    """True if the bits let others write into the folder, and no sticky bit keeps each to its own files."""
    return bool(mode & stat.S_IWOTH) and bool(mode & stat.S_IXOTH) and not mode & stat.S_ISVTX


def rules_grant(text: str) -> bool:
    """True if a rule of everyone allows to delete and none forbids it. Lines: `Allow 1245631 S-1-5-32-545`."""
    allowed = False
    for line in text.splitlines():
        kind, rights, who = [*line.split(), "", "", ""][:3]
        if who not in _EVERYONE or not rights.lstrip("-").isdigit():
            continue
        number = int(rights) & 0xFFFFFFFF
        deletes = bool(number & (_DELETE | _DELETE_CHILD | _GENERIC_ALL))
        if deletes and kind == "Deny":
            return False
        allowed = allowed or (deletes and kind == "Allow")
    return allowed
