"""restic for tests: repositories whose passwords cost nothing to try, so that a run takes 50 ms and not 600.

restic makes each try of a password cost half a second (scrypt), on purpose. Here the keys of a repository are
of the same form, but with the cheapest cost (restic's manual, "Keys, Encryption and MAC"). Never outside of tests.
"""

import atexit
import base64
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.poly1305 import Poly1305

from praxisd.services.backups.engine import Key, Repo
from praxisd.services.backups.engines.restic import Restic
from praxisd.services.backups.engines.restic_place import local


class QuickRestic(Restic):
    """The real adapter and the real restic; only `init` and `add_key` of a local repository take the short way.

    `real_keys`: a password is added by restic itself.
    """

    def __init__(self, folder: Path, program: Path, *, real_keys: bool = False) -> None:
        super().__init__(folder, program)
        self._quick = program
        self._real_keys = real_keys

    def init(self, repo: Repo) -> str:
        """As restic would have made it, but for the cost of its password."""
        place = local(repo.place)
        if place is None or not place.parent.is_dir() or (place / "config").exists():
            return super().init(repo)
        fresh, master = _fresh(self._quick)
        shutil.copytree(fresh, place, dirs_exist_ok=True)
        key = cheap_key(repo.secret, master)
        (place / "keys" / hashlib.sha256(key).hexdigest()).write_bytes(key)
        return self.identity(repo)

    def add_key(self, repo: Repo, secret: str) -> Key:
        """As restic would have added it, but for the cost of its password."""
        place = local(repo.place)
        if place is None or self._real_keys:
            return super().add_key(repo, secret)
        master = json.dumps(self._run.answer(repo, "cat", "masterkey", "--no-lock")).encode()
        key = cheap_key(secret, master)
        name = hashlib.sha256(key).hexdigest()
        (place / "keys" / name).write_bytes(key)
        return Key(name[:8], 0)


def ready(program: Path) -> None:
    """Make what all repositories begin with: before a process is forked, so that each child finds it."""
    _fresh(program)


@functools.cache
def _fresh(program: Path) -> tuple[Path, bytes]:
    """An empty repository without a key, made once by restic, and the master key it has."""
    top = Path(tempfile.mkdtemp(prefix="praxisd-restic-"))
    atexit.register(shutil.rmtree, top, ignore_errors=True)
    place = top / "fresh"
    env = os.environ | {"RESTIC_REPOSITORY": str(place), "RESTIC_PASSWORD": "once", "TMPDIR": str(top)}
    said = b""
    for task in (["init", "--repository-version", "2"], ["cat", "masterkey"]):
        said = subprocess.run([program, "--no-cache", *task], env=env, check=True, capture_output=True).stdout
    for key in (place / "keys").iterdir():
        key.unlink()
    return place, json.dumps(json.loads(said)).encode()


def cheap_key(secret: str, master: bytes) -> bytes:
    """A key file of restic for this password, at the lowest cost that it takes."""
    salt, nonce = os.urandom(64), os.urandom(16)
    derived = hashlib.scrypt(secret.encode(), salt=salt, n=2, r=1, p=1, dklen=64)
    encrypt, sign, fixed = derived[:32], derived[32:48], derived[48:]
    cipher = Cipher(AES(encrypt), CTR(nonce)).encryptor()
    sealed = cipher.update(master) + cipher.finalize()
    once = Cipher(AES(sign), ECB()).encryptor()
    tag = Poly1305.generate_tag(fixed + once.update(nonce) + once.finalize(), sealed)
    fields = {
        "created": "2026-01-01T00:00:00Z",
        "username": "praxisd",
        "hostname": "praxisd",
        "kdf": "scrypt",
    }
    costs = {"N": 2, "r": 1, "p": 1}
    texts = {"salt": base64.b64encode(salt).decode(), "data": base64.b64encode(nonce + sealed + tag).decode()}
    return json.dumps(fields | costs | texts).encode()
