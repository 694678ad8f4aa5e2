"""What a soak measures: memory, descriptors, threads and children of programs by psutil, files, rows of tables, fixed probes."""

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from praxisd.testing.soak_judge import Point, quantile
from praxisd.testing.soak_scene import Scene

MB = 1e6


class Samples:
    """Series by name, e.g. `server.uss`; times in seconds since the start."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.series: dict[str, list[Point]] = defaultdict(list)

    def put(self, values: Mapping[str, float]) -> None:
        """Values of this moment."""
        at = self.now()
        for name, value in values.items():
            self.series[name].append((at, value))


def program(name: str, one: psutil.Process) -> dict[str, float]:
    """RSS and USS in MB, descriptors, threads, children of one program; nothing if it has just ended."""
    try:
        with one.oneshot():
            memory = one.memory_full_info()
            return {
                f"{name}.rss": memory.rss / MB,
                f"{name}.uss": memory.uss / MB,
                f"{name}.fds": float(one.num_fds()),
                f"{name}.threads": float(one.num_threads()),
                f"{name}.children": float(len(one.children())),
                f"{name}.cpu": sum(one.cpu_times()[:2]),
            }
    except psutil.NoSuchProcess:
        return {}


class Sampler:
    """Looks at one practice. `look` is cheap, for every few seconds; `count` walks through all tables, for every minute."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._server = scene.process
        self._named = {"hub": scene.program("relay")}
        self._others = [scene.program(one) for one in ("sms", "mail", "portal")]
        self._probes = _probes(scene)

    def look(self, into: Samples) -> None:
        """Programs, files of the database, one round of probes."""
        found = program("server", self._server)
        for name, one in self._named.items():
            found |= program(name, one)
        others = [program("x", one).get("x.rss", 0.0) for one in self._others]
        found["sandboxes.rss"] = sum(others)
        known = {self._server.pid, *(one.pid for one in (*self._named.values(), *self._others))}
        helpers = [one for one in _below(self._server) if one.pid not in known]
        found["helpers.count"] = float(len(helpers))
        found["helpers.rss"] = sum(program("x", one).get("x.rss", 0.0) for one in helpers)
        found["files.database"] = _size(self._scene.folder / "praxisd.db")
        found["files.wal"] = _size(self._scene.folder / "praxisd.db-wal")
        found["files.log"] = _size(self._scene.folder / "log.db")
        found["files.log_wal"] = _size(self._scene.folder / "log.db-wal")
        into.put(found)
        for name, probe in self._probes.items():
            began = time.perf_counter()
            probe()
            into.put({f"probe.{name}": (time.perf_counter() - began) * 1000})

    def count(self, into: Samples) -> None:
        """Rows of all tables, files in the data folder and in the program's temporary folder, all bytes of the folder."""
        found = {f"rows.{name}": float(number) for name, number in rows(self._scene).items()}
        kept, size = _files(self._scene.folder)
        found |= {
            "files.kept": kept,
            "files.bytes": size,
            "files.temporary": _files(self._scene.work / "tmp")[0],
        }
        into.put(found)


def _below(one: psutil.Process) -> list[psutil.Process]:
    try:
        return one.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _size(path: Path) -> float:
    try:
        return path.stat().st_size / MB
    except OSError:
        return 0.0


def _files(folder: Path) -> tuple[float, float]:
    """How many, and how many MB."""
    number, size = 0, 0.0
    for where, _, names in os.walk(folder):
        number += len(names)
        size += sum(_size(Path(where, one)) for one in names)
    return float(number), size


def rows(scene: Scene) -> dict[str, int]:
    """Rows of each table, counted beside the server."""
    if scene.database_url is not None:
        import psycopg

        url = scene.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as server:
            names = [
                str(one[0])
                for one in server.execute(
                    "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
                )
            ]
            return {
                one: int(server.execute(f'SELECT count(*) FROM "{one}"').fetchone()[0])  # type: ignore[index,arg-type]
                for one in names
            }
    import sqlite3

    with closing(
        sqlite3.connect(f"file:{scene.folder / 'praxisd.db'}?mode=ro", uri=True, timeout=30)
    ) as file:
        names = [
            str(one[0])
            for one in file.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        ]
        return {one: int(file.execute(f'SELECT count(*) FROM "{one}"').fetchone()[0]) for one in names}


def _probes(scene: Scene) -> dict[str, Callable[[], object]]:
    """The same few questions all the time: what they take tells whether the server becomes slower."""
    desk, dice = scene.asker("desk"), random.Random(7)
    name = scene.names[0][:3] if scene.names else "Mei"
    return {
        "ready": lambda: scene.asker("desk").ask("GET", "/me"),
        "slots": lambda: scene.free(desk, "Kontrolle", 3),
        "patients": lambda: desk.ask(
            "POST", "/patients/search", {"family": name, "limit": 1 + dice.randrange(50)}
        ),
    }


def quantiles(points: list[Point], width_s: float = 60.0) -> dict[str, list[Point]]:
    """p50 and p99 of each minute."""
    bins: dict[int, list[float]] = defaultdict(list)
    for at, value in points:
        bins[int(at / width_s)].append(value)
    found: dict[str, list[Point]] = {"p50": [], "p99": []}
    for n, values in sorted(bins.items()):
        for word, share in (("p50", 0.5), ("p99", 0.99)):
            found[word].append(((n + 0.5) * width_s, quantile(values, share)))
    return found
