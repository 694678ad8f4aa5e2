"""`praxisd sandbox relay`: a hub on this computer, for demo and tests. Its names end in `.relay.localhost`.

It is the hub itself (`praxisd_relay`), with a certificate it makes for itself and limits that do not stand in the way of
trying out. Browsers and curl know that names below `localhost` are this computer (RFC 6761).
"""

from pathlib import Path

from praxisd_relay import config as configuration
from praxisd_relay import hub_run
from praxisd_relay.hub_certificate import LinkCertificate
from praxisd_relay.identity import Invitation
from praxisd_relay.registry import Registry

DOMAIN = "relay.localhost"
FOLDER = Path("sandbox") / "relay"
_INVITED_S = 86_400


def config(folder: Path, host: str, port: int) -> configuration.Config:
    """How the hub of a data folder runs. `port` 0: a free one."""
    folder = folder.absolute()
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    limits = {"per_address": 0, "rate": 0}
    table = {
        "data": str(folder / FOLDER),
        "domain": DOMAIN,
        "listen": [where],
        "limits": limits,
        "drain_s": 0.5,
    }
    return configuration.read(table, folder)


def run(folder: Path, host: str, port: int) -> int:
    """Serve until SIGTERM or SIGINT; prints `ready <url>` once it answers. The exit code. OSError: no such address."""
    return hub_run.serve(config(folder, host, port), f"ready https://link.{DOMAIN}:{{port}}")


def invitation(folder: Path, port: int, label: str) -> str:
    """What a practice enrols with at the hub of this folder that runs on `port`."""
    chosen = config(folder, "127.0.0.1", port)
    registry = Registry(chosen.registry)
    try:
        code = registry.invite(label, _INVITED_S)
    finally:
        registry.close()
    return Invitation(chosen.link_name, port, code, LinkCertificate(chosen).pin).text()
