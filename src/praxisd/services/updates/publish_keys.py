"""Keys of a publisher: `<role>-<person>.pem` (private, 0600) and `<role>-<person>.pub.json` (may be handed on).

Each person has folders of their own, on a machine or stick of their own. To sign, the `.pem` must be there; to be
counted among those who may, the `.pub.json` is enough.
"""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey

from praxisd.kernel.errors import Problem
from praxisd.services.updates import publish_files as files

ONLINE = ("snapshot", "timestamp")
"""Roles that sign without a person; all others are offline."""
TOP = ("root", "targets", *ONLINE)
NAME = "x-praxisd-name"
"""The field of a key in the metadata that says whose it is."""
_PERSON = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")
_ROLE = re.compile(
    r"root|targets|snapshot|timestamp|software|(?:plugins|data)-[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?"
)

Ask = Callable[[str], bytes | None]
"""The passphrase of the key of this name; None: there is none."""


def role_of(text: str) -> str:
    """A role that exists, or Problem `updates.publish_role_unknown`."""
    if not _ROLE.fullmatch(text):
        raise Problem("updates.publish_role_unknown", 400, role=text)
    return text


@dataclass(frozen=True)
class Public:
    """One key as everybody may see it. `name` is who has it."""

    role: str
    name: str
    key: SSlibKey

    @property
    def label(self) -> str:
        """How it is called in lists and files."""
        return f"{self.role}-{self.name}"

    def json(self) -> dict[str, Any]:
        """What stands in its file."""
        return {"role": self.role, "name": self.name, "keyid": self.key.keyid, "key": self.key.to_dict()}


def make(folder: Path, role: str, name: str, passphrase: bytes | None = None) -> Public:
    """A new key of a person for a role. Problems: `updates.publish_key_exists`, `…_name_invalid`, `…_role_unknown`."""
    role_of(role)
    if not _PERSON.fullmatch(name):
        raise Problem("updates.publish_name_invalid", 400, name=name)
    secret = folder / f"{role}-{name}.pem"
    if secret.exists():
        raise Problem("updates.publish_key_exists", 409, path=str(secret))
    private = Ed25519PrivateKey.generate()
    public = Public(role, name, _named(SSlibKey.from_crypto(private.public_key()), name))
    lock = pem.BestAvailableEncryption(passphrase) if passphrase else pem.NoEncryption()
    text = private.private_bytes(pem.Encoding.PEM, pem.PrivateFormat.PKCS8, lock)
    files.write(secret, text, 0o600)
    shown = json.dumps(public.json(), indent=2, sort_keys=True) + "\n"
    files.write(folder / f"{role}-{name}.pub.json", shown.encode())
    return public


def make_all(folder: Path, roles: Iterable[str], name: str, passphrase: bytes | None = None) -> list[Public]:
    """The keys of a person for several roles; none is made if one of them is there already."""
    wanted = list(dict.fromkeys(roles))
    for role in wanted:
        secret = folder / f"{role_of(role)}-{name}.pem"
        if secret.exists():
            raise Problem("updates.publish_key_exists", 409, path=str(secret))
    return [make(folder, role, name, passphrase) for role in wanted]


def read_public(path: Path) -> Public:
    """The public half from its file. Problem `updates.publish_key_malformed`."""
    try:
        table = json.loads(files.read(path))
        key = SSlibKey.from_dict(str(table["keyid"]), dict(table["key"]))
        own = SSlibKey.from_crypto(key._crypto_key()).keyid
        role, name = str(table["role"]), str(table["name"])
        if not isinstance(key, SSlibKey) or own != key.keyid or not _ROLE.fullmatch(role):
            raise ValueError("key")
        if not _PERSON.fullmatch(name):
            raise ValueError("name")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Problem("updates.publish_key_malformed", 400, path=str(path)) from None
    return Public(role, name, _named(key, name))


def _named(key: SSlibKey, name: str) -> SSlibKey:
    key.unrecognized_fields[NAME] = name
    return key


class Keyring:
    """All keys of some folders. `ask` is called for a key that is locked."""

    def __init__(self, folders: Iterable[Path], ask: Ask | None = None) -> None:
        self._ask = ask
        self._paths: dict[str, Path] = {}
        self._signers: dict[str, CryptoSigner] = {}
        self.public: dict[str, Public] = {}
        for folder in folders:
            for path in sorted(folder.glob("*.pub.json")):
                one = read_public(path)
                self.public[one.key.keyid] = one
                secret = path.with_name(path.name.removesuffix(".pub.json") + ".pem")
                if secret.exists():
                    self._paths[one.key.keyid] = secret

    def of(self, role: str) -> list[Public]:
        """The keys of a role, by name."""
        return sorted((one for one in self.public.values() if one.role == role), key=lambda one: one.name)

    def roles(self) -> list[str]:
        """Roles there is any key for."""
        return sorted({one.role for one in self.public.values()})

    def has(self, keyid: str) -> bool:
        """True if this key can sign here (its passphrase may still be wanted)."""
        return keyid in self._paths

    def signer(self, keyid: str) -> CryptoSigner | None:
        """What signs with a key; None if it is not here. Problems: `…_passphrase_missing`, `…_wrong`, `…_key_malformed`."""
        path = self._paths.get(keyid)
        if path is None:
            return None
        if keyid not in self._signers:
            private = self._open(path)
            try:
                self._signers[keyid] = CryptoSigner(private, self.public[keyid].key)
            except Exception:
                raise Problem("updates.publish_key_malformed", 400, path=str(path)) from None
        return self._signers[keyid]

    def _open(self, path: Path) -> Any:
        text = files.read(path)
        try:
            return pem.load_pem_private_key(text, None)
        except TypeError:  # it is locked
            secret = self._ask(path.stem) if self._ask else None
        except ValueError:
            raise Problem("updates.publish_key_malformed", 400, path=str(path)) from None
        if not secret:
            raise Problem("updates.publish_passphrase_missing", 400, path=str(path))
        try:
            return pem.load_pem_private_key(text, secret)
        except (ValueError, TypeError):
            raise Problem("updates.publish_passphrase_wrong", 400, path=str(path)) from None
