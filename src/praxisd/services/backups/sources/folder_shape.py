"""Links and folders as one digest: what a restored folder is compared by, beside the bytes of its files (SPEC 8.5).

The digest is SHA-256 over `kind path target` of each, sorted, by the absolute paths where they were staged.
"""

import hashlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from praxisd.services.backups.engine import Stop
from praxisd.services.backups.sources import places
from praxisd.services.backups.sources.walking import Walk, walk

FACT = "shape"
"""Under which name it stands among the facts of a source."""


def staged(found: Walk, covered: Collection[Path], named: Collection[str]) -> str:
    """Of what a look has found, as far as `covered` holds it; what is `named`, and what lies below it, is left aside."""
    tops = [str(one) for one in covered]
    links = ((one, os.readlink(one)) for one in found.links)
    return _digest(_kept([*((one, None) for one in found.folders), *links], tops, named))


def restored(folder: Path, paths: Collection[Path], named: Collection[str], stop: Stop) -> str:
    """Of what lies in `folder` after a restore, by the paths where it was staged. OSError where a path is not there."""
    found: list[tuple[str, str | None]] = []
    for path in paths:
        back = places.inside(folder, path, link=True)
        if back.is_symlink():
            found.append((str(path), os.readlink(back)))
        elif back.is_dir():
            here = walk(back, (), stop)

            def there(one: str, back: Path = back, path: Path = path) -> str:
                return os.path.normpath(os.path.join(str(path), os.path.relpath(one, str(back))))

            found += [(there(one), None) for one in here.folders]
            found += [(there(one), os.readlink(one)) for one in here.links]
    return _digest(_kept(found, [str(one) for one in paths], named))


def _kept(
    entries: Iterable[tuple[str, str | None]], tops: Collection[str], named: Collection[str]
) -> Iterable[tuple[str, str | None]]:
    for path, target in entries:
        if _below(path, tops) and not _below(path, named):
            yield path, target


def _below(path: str, tops: Collection[str]) -> bool:
    return any(path == top or path.startswith(top.rstrip(os.sep) + os.sep) for top in tops)


def _digest(entries: Iterable[tuple[str, str | None]]) -> str:
    seen = hashlib.sha256()
    for path, target in sorted(entries, key=lambda one: os.fsencode(one[0])):
        seen.update(b"d\0" if target is None else b"l\0")
        seen.update(os.fsencode(path) + b"\0" + os.fsencode(target or "") + b"\n")
    return seen.hexdigest()
