"""The systemd unit (systemd.service(5), systemd.exec(5); checked with `systemd-analyze verify` of systemd 252)."""

from pathlib import Path

from praxisd.kernel.installation import SERVICE_VARIABLE
from praxisd.system.plan import Plan

FOLDER = Path("/etc/systemd/system")
MEDIA = ("/media", "/mnt", "/run/media")
"""Where disks for backups appear; a computer may have none of these folders."""
_SECTION = "[X-Praxisd]"
_TEXT = """\
# Written by `praxisd service install`. Own changes: systemctl edit {name}

[Unit]
Description=praxisd, the server of the practice
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart={line}
User={user}
Group={user}
Environment={variable}={name} PYTHONUTF8=1
WatchdogSec=30
TimeoutStartSec=300
TimeoutStopSec=100
KillMode=mixed
FileDescriptorStoreMax=1
Restart=always
RestartSec=100ms
OOMPolicy=continue
LimitNOFILE=65536
UMask=0077

NoNewPrivileges=yes
CapabilityBoundingSet={capabilities}
AmbientCapabilities={capabilities}
ProtectSystem=strict
ReadWritePaths={paths}
ProtectHome={protect_home}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target

{section}
Home={home}
Data={data}
"""


def unit(plan: Plan) -> str:
    """The file's text. The last section is ours: systemd passes over sections that begin with X-."""
    writable = [str(plan.home), str(plan.data), *(f"-{one}" for one in MEDIA)]
    return _TEXT.format(
        name=plan.name,
        line=" ".join(map(_quoted, plan.line)),
        user=plan.user,
        variable=SERVICE_VARIABLE,
        capabilities="CAP_NET_BIND_SERVICE" if plan.low_port else "",
        paths=" ".join(map(_quoted, writable)),
        protect_home="no" if plan.in_private_folders else "yes",
        section=_SECTION,
        home=plan.home,
        data=plan.data,
    )


def _quoted(word: str) -> str:
    """As systemd reads a word again: its own percent signs, dollars, quotation marks and spaces (systemd.syntax(7))."""
    word = word.replace("%", "%%").replace("$", "$$")
    if any(one in word for one in " \t\"'\\;"):
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word


def folders(text: str) -> tuple[Path, Path] | None:
    """(home, data) as a unit of ours names them; None for one that somebody else wrote."""
    _, found, rest = text.partition(_SECTION)
    said = dict(line.split("=", 1) for line in rest.splitlines() if "=" in line)
    if not found or "Home" not in said or "Data" not in said:
        return None
    return Path(said["Home"]), Path(said["Data"])
