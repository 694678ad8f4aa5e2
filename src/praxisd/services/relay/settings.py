"""Settings of the relay, and what they mean to the rest of the room. All concern the installation."""

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from praxisd.kernel.access import system
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Scope, Setting
from praxisd_relay.identity import is_host
from praxisd_relay.proxy import Proxy, ProxyError

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

ENABLED, PROXY, PROBE, CONSOLE = "relay.enabled", "relay.proxy", "relay.probe_minutes", "relay.console"
LOG_DAYS, CERTIFICATE, OWN_NAME = "relay.log_days", "relay.certificate", "relay.own_name"
CERTIFICATE_FILE, KEY_FILE = "relay.certificate_file", "relay.key_file"
ACME_DIRECTORY, ACME_EMAIL = "relay.acme_directory", "relay.acme_email"
SOURCES = ("own", "files", "acme")
LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
_PATH_MOST = 400
_HERE = ("127.0.0.1", "localhost", "::1")


def _refuse(key: str) -> Problem:
    return Problem("settings.invalid", 422, key=key, reason="form", low=0, high=0)


def _address(key: str, schemes: tuple[str, ...]) -> Any:
    def check(value: str) -> None:
        try:
            parts = urlsplit(value)
            here = (
                parts.scheme == "http" and parts.hostname in _HERE
            )  # an authority for trials on this computer
            good = (here or parts.scheme in schemes) and bool(parts.hostname) and parts.port != 0
        except ValueError:
            good = False
        if value and not (good and value.isprintable() and " " not in value and not parts.fragment):
            raise _refuse(key)

    return check


def _proxy(value: str) -> None:
    try:
        if value:
            Proxy.parse(value)
    except ProxyError:
        raise _refuse(PROXY) from None


def _name(value: str) -> None:
    if value and not (is_host(value) and "." in value):
        raise _refuse(OWN_NAME)


def _email(value: str) -> None:
    name, at, host = value.rpartition("@")
    if value and not (name and at and is_host(host.lower()) and value.isprintable() and " " not in value):
        raise _refuse(ACME_EMAIL)


def _text(key: str, high: int, default: str = "", check: Any = None) -> Setting:
    return Setting(key, str, default, Scope.INSTALLATION, high=high, check=check)


SETTINGS = (
    Setting(ENABLED, bool, False, Scope.INSTALLATION),
    _text(PROXY, 300, check=_proxy),
    Setting(PROBE, int, 5, Scope.INSTALLATION, low=1, high=60, unit="minutes"),
    Setting(CONSOLE, bool, False, Scope.INSTALLATION),
    Setting(LOG_DAYS, int, 30, Scope.INSTALLATION, low=1, high=400, unit="days"),
    Setting(CERTIFICATE, SOURCES, "own", Scope.INSTALLATION),
    _text(CERTIFICATE_FILE, _PATH_MOST),
    _text(KEY_FILE, _PATH_MOST),
    _text(ACME_DIRECTORY, 300, LETS_ENCRYPT, check=_address(ACME_DIRECTORY, ("https",))),
    _text(ACME_EMAIL, 200, check=_email),
    _text(OWN_NAME, 253, check=_name),
)


class Chosen(NamedTuple):
    """The settings in force. `proxy` may carry a password: it is for the dialler only."""

    enabled: bool
    proxy: str
    probe_minutes: int
    console: bool
    log_days: int
    certificate: str
    certificate_file: str
    key_file: str
    acme_directory: str
    acme_email: str
    own_name: str


def chosen(house: "House", tx: "Tx | None" = None) -> Chosen:
    """The settings, read in `tx` or in a read of their own."""
    if tx is None:
        with house.store.read(system("relay")) as own:
            return chosen(house, own)
    return Chosen(*(house.settings.get(tx, one.key) for one in SETTINGS))


__all__ = ("SETTINGS", "SOURCES", "Chosen", "chosen")
