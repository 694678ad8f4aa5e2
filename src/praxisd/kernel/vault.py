"""The vault: secrets that must be readable again (passwords of mail servers, keys of portals), sealed for
storage.

AES-256-GCM. Each purpose has its own key, derived with HKDF-SHA256 (RFC 5869) from a master key; purpose and
organization are authenticated beside the data, so that a sealed text moved to another row does not open. The
master keys lie in one small file outside the database, one line each, newest last: the newest seals, all
open. The file is the same on all nodes and its lines are on the recovery sheet.
"""

import base64
import binascii
import os
import secrets
import stat
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from praxisd.kernel.errors import Problem

_LINE = "praxisd-key-1"
_SEAL = "s1"
_NONCE = 12
_LIMIT = 64 * 1024  # a key file of a thousand rotations; more is no key file


class Vault:
    """Seals and opens with the keys of one file. Safe for threads.

    The file is created with mode 0600 if it is absent and `create` is true. `missed`: ids of the keys that this installation
    had, as far as they are known, where its file must not be made anew; if it is absent the vault is closed: it seals and
    opens nothing (`vault.key_missing`) until the file is back.

    Problems (all 500, none temporary): `vault.key_readable` if group or others may read the file (not checked on Windows,
    where the folder's rights decide), `vault.key_missing` if it is absent and must not be created, `vault.key_broken` if it
    is no key file.
    """

    def __init__(self, path: Path, *, create: bool = True, missed: Sequence[str] | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._derived: dict[tuple[str, str], AESGCM] = {}
        self._missed = tuple(missed or ())
        self._keys: dict[str, bytes] = {}
        if missed is None and create and not path.exists():
            _create(path)
        if missed is None or path.exists():
            self._keys = _load(path)

    def __repr__(self) -> str:
        return f"Vault({len(self._keys)} keys)"

    @property
    def closed(self) -> bool:
        """True while there is no key at all."""
        return not self._keys

    @property
    def newest(self) -> str:
        """Id of the key that seals now; of a closed vault, the one that did. Problem `vault.key_missing` where nobody knows."""
        return self._known[-1]

    @property
    def oldest(self) -> str:
        """Id of the first key: it stands for the installation, also while the vault is closed. Problem as for `newest`."""
        return self._known[0]

    @property
    def key_ids(self) -> tuple[str, ...]:
        """Ids of the keys at hand, oldest first."""
        return tuple(self._keys)

    @property
    def _known(self) -> tuple[str, ...]:
        found = self.key_ids or self._missed
        if not found:
            raise self._gone("-")
        return found

    def _gone(self, key: str) -> Problem:
        return Problem("vault.key_missing", 500, key=key, file=self.path.name)

    def look(self) -> tuple[str, ...]:
        """Read the file again, and learn the keys that are new in it; the ids of those that are there, none if it is gone.

        What this program knew already it goes on knowing. Problems `vault.key_readable`, `vault.key_broken`.
        """
        with self._lock:
            try:
                keys = _load(self.path)
            except Problem as problem:
                if problem.code != "vault.key_missing":
                    raise
                return ()
            self._keys = {**self._keys, **keys}
            return tuple(keys)

    def put_back(self) -> bool:
        """Write the file where it is gone: with the keys that this program still knows (True), else with a new one (False).

        A file that is there is left as it is, and read.
        """
        with self._lock:
            knew = bool(self._keys)
            _create(self.path, self._keys)
            self._keys = {**self._keys, **_load(self.path)}
            return knew

    def _need(self, key: str | None) -> None:
        """Look into the file again for a key that is not known: it may have been put back."""
        if not self._keys or (key is not None and key not in self._keys):
            with suppress(Problem):
                self.look()
        if not self._keys or (key is not None and key not in self._keys):
            raise self._gone(key or (self._missed or ("-",))[-1])

    def seal(self, purpose: str, organization: str, data: bytes) -> str:
        """`data` as sealed text `s1.<key id>.<base64url>`; it opens only for the same purpose and
        organization. Problem `vault.key_missing` while the vault is closed.
        """
        self._need(None)
        key = self.newest
        nonce = secrets.token_bytes(_NONCE)
        box = self._cipher(key, purpose).encrypt(nonce, data, _beside(key, purpose, organization))
        return f"{_SEAL}.{key}.{base64.urlsafe_b64encode(nonce + box).decode().rstrip('=')}"

    def open(self, purpose: str, organization: str, sealed: str) -> bytes:
        """The data of a sealed text. Problems: `vault.key_missing` if its key is not in the file,
        `vault.tampered` if the text was changed, is no sealed text, or was sealed for another purpose or
        organization.
        """
        key, body = _parts(sealed)
        self._need(key)
        try:
            plain = self._cipher(key, purpose).decrypt(
                body[:_NONCE], body[_NONCE:], _beside(key, purpose, organization)
            )
        except InvalidTag:
            raise Problem("vault.tampered", 500) from None
        return plain

    def sealed_with(self, sealed: str) -> str:
        """Id of the key a text was sealed with, to find what a rotation has still to seal anew."""
        return _parts(sealed)[0]

    def rotate(self) -> str:
        """Add a key that seals from now on, and answer its id. Old keys stay, since old texts need them.

        The file is replaced in one step, so that a crash leaves the old or the new one. The new file must be
        brought to the other nodes and onto the recovery sheet.
        """
        with self._lock:
            keys = _load(self.path)  # another process may have rotated since
            key, secret = _new_key()
            keys[key] = secret
            temporary = self.path.with_name(f".{self.path.name}.{secrets.token_hex(8)}")
            try:
                _write_new(temporary, "".join(_line(one, keys[one]) for one in keys))
                temporary.replace(self.path)
            finally:
                temporary.unlink(missing_ok=True)
            _sync_folder(self.path.parent)
            self._keys = keys
            return key

    def _cipher(self, key: str, purpose: str) -> AESGCM:
        cipher = self._derived.get((key, purpose))
        if cipher is None:
            info = b"praxisd vault 1\0" + purpose.encode()
            derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._keys[key])
            cipher = self._derived[key, purpose] = AESGCM(derived)
        return cipher


def _beside(key: str, purpose: str, organization: str) -> bytes:
    """The authenticated data: each part with its length before it, so that no two triples look alike."""
    parts = [part.encode() for part in (_SEAL, key, purpose, organization)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _parts(sealed: str) -> tuple[str, bytes]:
    try:
        seal, key, body = sealed.split(".")
        raw = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise Problem("vault.tampered", 500) from None
    # Unused bits of the last character must be zero, or two texts would be the same seal.
    canonical = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    if seal != _SEAL or len(raw) < _NONCE + 16 or canonical != body:
        raise Problem("vault.tampered", 500)
    return key, raw


def _new_key() -> tuple[str, bytes]:
    return secrets.token_hex(4), secrets.token_bytes(32)


def _line(key: str, secret: bytes) -> str:
    return f"{_LINE} {key} {base64.urlsafe_b64encode(secret).decode()}\n"


def _create(path: Path, keys: Mapping[str, bytes] | None = None) -> None:
    """Write these keys, else a first one, beside the target and link it there: whole or not at all, never over another's."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    written = keys or dict([_new_key()])
    try:
        _write_new(temporary, "".join(_line(one, written[one]) for one in written))
        os.link(temporary, path)
    except FileExistsError:
        return  # another process was first: its key counts
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _write_new(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if sys.platform != "win32":  # a folder cannot be opened there; its journal keeps the order
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _load(path: Path) -> dict[str, bytes]:
    """The keys by id, oldest first. Rights are read from the open file: it cannot be swapped in between."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if sys.platform != "win32" and stat.S_IMODE(mode) & 0o077:
                raise Problem("vault.key_readable", 500)
            raw = file.read(_LIMIT + 1)
    except FileNotFoundError:
        raise Problem("vault.key_missing", 500, key="-", file=path.name) from None
    except OSError:
        raise Problem("vault.key_broken", 500) from None
    keys: dict[str, bytes] = {}
    try:
        if len(raw) > _LIMIT:
            raise ValueError
        for line in raw.decode("ascii").splitlines():
            if not line.strip():
                continue
            word, key, text = line.split()
            secret = base64.b64decode(text, altchars=b"-_", validate=True)
            if word != _LINE or len(secret) != 32 or key in keys or not key.isalnum():
                raise ValueError
            keys[key] = secret
    except (ValueError, binascii.Error):
        raise Problem("vault.key_broken", 500) from None
    if not keys:
        raise Problem("vault.key_broken", 500)
    return keys
