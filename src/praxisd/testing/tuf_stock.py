"""What tests put into a TUF repository: a program in some versions, and a data set with patches."""

import hashlib
from pathlib import Path
from typing import Any

from praxisd.testing.tuf_repository import TufRepository
from praxisd_guard import patch

INDEX = "software/praxisd/index.json"
DRUGS = "data/drugs/index.json"


def custom(version: str, **more: Any) -> dict[str, Any]:
    """The `custom` of a version of the program."""
    return {
        "element": "praxisd",
        "kind": "software",
        "version": version,
        "released": "2026-11-19",
        "notes": {"de": f"Stand {version}", "en": f"State {version}"},
        "requires": {"praxisd": ">=1"},
    } | more


def line(version: str, **more: Any) -> dict[str, Any]:
    """The line of a version in the program's index."""
    return {"version": version, "target": target(version), "released": "2026-11-19", "patches": []} | more


def target(version: str) -> str:
    """The target path of a version."""
    return f"software/praxisd/praxisd-{version}.zip"


def package(version: str) -> bytes:
    """The file of a version, about 300 kB."""
    return f"package {version} ".encode() * 20_000


def stocked(*versions: str, repository: TufRepository | None = None) -> TufRepository:
    """A repository with these versions of the program, published."""
    made = repository or TufRepository()
    made.catalog(("praxisd", "software", INDEX), ("drugs", "data", DRUGS))
    for version in versions:
        made.add("software", target(version), package(version), custom(version))
    made.index("software", INDEX, *map(line, versions))
    made.publish("targets", "software")
    return made


def drugs(month: int) -> bytes:
    """The data set of a month, unpacked: 400 kB that hardly compress, of which little changes each month."""
    rows = [hashlib.sha256(f"{n} {month if n % 97 == 0 else 0}".encode()).digest() for n in range(12_500)]
    return b"".join(rows)


def with_drugs(repository: TufRepository, work: Path, *, patched: bytes | None = None) -> dict[str, Any]:
    """Publish the data set of months 1 and 2 with a patch (or `patched` in its place); the line of month 2."""
    lines: list[dict[str, Any]] = []
    for month in (1, 2):
        version, plain = f"2026-{month:02}", work / f"{month}.sqlite"
        plain.write_bytes(drugs(month))
        patch.pack(plain, work / "zst", level=3)
        facts = custom(version, element="drugs", kind="data", unpacked_sha256=sha(drugs(month)))
        facts["unpacked_size"] = len(drugs(month))
        path = f"data/drugs/{version}.sqlite.zst"
        repository.add("data-drugs", path, (work / "zst").read_bytes(), facts)
        lines.append({"version": version, "target": path, "released": "2026-11-19", "patches": []})
    patch.make(work / "1.sqlite", work / "2.sqlite", work / "patch")
    name = f"data/drugs/{sha(drugs(1))[:12]}-{sha(drugs(2))[:12]}.patch.zst"
    repository.add("data-drugs", name, patched if patched is not None else (work / "patch").read_bytes())
    lines[1]["patches"] = [{"from": sha(drugs(1)), "target": name}]
    repository.index("data-drugs", DRUGS, *lines)
    repository.publish("data-drugs")
    return lines[1]


def sha(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()
