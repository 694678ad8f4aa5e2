"""A soak's result as three files: soak.json (all samples), soak.svg (the plot), soak.md (a section for bench/REPORT.md)."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from praxisd.testing.soak_actor import Tally
from praxisd.testing.soak_judge import quantile
from praxisd.testing.soak_plot import Curve, Panel, svg
from praxisd.testing.soak_sample import Samples, quantiles
from praxisd.testing.soak_verdicts import Grown, Line, each

_FAST = ("probe.ready", "probe.slots", "probe.patients")


@dataclass
class Result:
    """All that a soak says. `load` is the machine's load average at the start and the end."""

    seconds: float
    seed: int
    engine: str
    rate: float
    warm_s: float
    tally: Tally
    samples: Samples
    lines: list[Line]
    grown: list[Grown]
    idle: list[str]
    load: tuple[float, float]

    @property
    def leaks(self) -> list[str]:
        """What grew."""
        return [one.name for one in self.lines if one.verdict.fails] + [
            one.name for one in self.grown if one.fails
        ]

    @property
    def good(self) -> bool:
        """No leak, no error, everybody has worked."""
        return not self.leaks and not self.tally.errors and not self.idle


def write(result: Result, folder: Path) -> None:
    """The three files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "soak.json").write_text(json.dumps(data(result), indent=1), encoding="utf-8")
    (folder / "soak.svg").write_text(picture(result), encoding="utf-8")
    (folder / "soak.md").write_text(text(result), encoding="utf-8")


def data(result: Result) -> dict[str, Any]:
    """As JSON."""
    tally = result.tally
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": round(result.seconds, 1),
        "seed": result.seed, "engine": result.engine, "rate": round(result.rate, 2), "warm_s": result.warm_s,
        "load": result.load, "good": result.good, "leaks": result.leaks, "idle": result.idle,
        "requests": tally.requests, "done": dict(sorted(tally.done.items())),
        "refused": dict(sorted(tally.refused.items())), "errors": dict(tally.errors), "said": list(tally.said),
        "faults": [[round(at, 1), name] for at, name in tally.marks],
        "lines": [{"name": one.name, "unit": one.unit, **asdict(one.verdict)} for one in result.lines],
        "grown": [asdict(one) for one in result.grown],
        "series": {
            name: [[round(at, 1), round(value, 3)] for at, value in points]
            for name, points in sorted(result.samples.series.items())
        },
    }  # fmt: skip


def picture(result: Result) -> str:
    """The plot."""
    series = result.samples.series

    def curve(name: str, shown: str, scale: float = 1.0) -> Curve:
        return Curve(shown, [(at / 60, value * scale) for at, value in series.get(name, ())])

    marks = [at / 60 for at, _ in result.tally.marks]
    tables = sorted(
        (name for name in series if name.startswith("rows.")),
        key=lambda one: series[one][-1][1] - series[one][0][1],
        reverse=True,
    )
    probes = {name.partition(".")[2]: quantiles(series[name]) for name in _FAST if name in series}
    minutes = result.seconds / 60
    title = (
        f"Soak: {minutes:.0f} min, {result.rate:.1f} requests/s, {result.engine} (grey: warm-up, red: faults)"
    )
    return svg(
        title,
        [
            Panel("Memory of the server", "MB", (curve("server.rss", "RSS"), curve("server.uss", "USS")), marks),
            Panel("Memory beside it", "MB", (
                curve("hub.uss", "relay hub, USS"), curve("helpers.rss", "helpers"), curve("sandboxes.rss", "sandboxes"),
            )),
            Panel("Descriptors and threads", "", (
                curve("server.fds", "descriptors"), curve("server.threads", "threads"), curve("hub.fds", "hub's descriptors"),
                curve("server.children", "children"),
            ), marks),
            Panel("Files", "MB", (curve("files.database", "database"), curve("files.wal", "its write-ahead log"),
                curve("files.log", "log"), curve("files.log_wal", "log's write-ahead log"))),
            Panel("Latency of fixed probes, p50 of each minute", "ms", [
                Curve(name, [(at / 60, value) for at, value in one["p50"]]) for name, one in probes.items()
            ], marks),
            Panel("The same, p99", "ms", [
                Curve(name, [(at / 60, value) for at, value in one["p99"]]) for name, one in probes.items()
            ], marks),
            Panel("Rows that came, by table (the four that grow most)", "rows", [
                Curve(name.removeprefix("rows."), [
                    (at / 60, value - series[name][0][1]) for at, value in series[name]
                ]) for name in tables[:4]
            ]),
        ],
        result.warm_s / 60,
    )  # fmt: skip


def text(result: Result) -> str:
    """The section of the report."""
    tally, minutes = result.tally, result.seconds / 60
    done, refused = sum(tally.done.values()), sum(tally.refused.values())
    told = [
        f"## Soak of {minutes:.0f} minutes, {datetime.now(UTC):%Y-%m-%d} ({result.engine})",
        "",
        f"Machine: {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, load"
        f" {result.load[0]:.1f} at the start, {result.load[1]:.1f} at the end. Command:"
        f" `python -m praxisd.testing.soak --minutes {minutes:.0f} --seed {result.seed}"
        f"{' --postgres' if result.engine == 'PostgreSQL' else ''}`.",
        "",
        f"{tally.requests} requests ({result.rate:.1f}/s), {done} actions, {refused} refused as life refuses,"
        f" **{sum(tally.errors.values())} errors**, {len(tally.marks)} faults."
        f" The first {result.warm_s / 60:.0f} minutes are warm-up. **"
        + (f"Grew: {', '.join(result.leaks)}" if result.leaks else "Nothing grew")
        + ".**",
        "",
        "![memory, descriptors, latency and rows over time](soak.svg)",
        "",
        "| figure | first | last | per hour | bound | verdict |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    calm = 0
    for one in result.lines:
        verdict = one.verdict
        if (
            one.name.startswith("rows.")
            and verdict.state in ("flat", "short")
            and verdict.first == verdict.last
        ):
            calm += 1
            continue
        unit = f" {one.unit}" if one.unit and not one.name.startswith("rows.") else ""
        told.append(
            f"| {one.name} | {verdict.first:.1f}{unit} | {verdict.last:.1f}{unit} | {verdict.per_hour:+.2f} |"
            f" {verdict.bound:.1f} | {verdict.state} |"
        )
    told += [f"| {calm} other tables | | | 0 | 2.0 | flat |", ""]
    told += ["| probe | p50 | p99 |", "| --- | ---: | ---: |"]
    for name in _FAST:
        values = [value for at, value in result.samples.series.get(name, ()) if at >= result.warm_s]
        told.append(f"| {name} | {quantile(values, 0.5):.1f} ms | {quantile(values, 0.99):.1f} ms |")
    kb = {
        one: each(result.samples.series, one, result.samples.series["actions"], result.warm_s) * 1000
        for one in ("files.database", "files.log")
    }
    told += [
        "",
        f"The database grew by {kb['files.database']:.2f} kB for each action, the log by {kb['files.log']:.2f} kB."
        " Tables that grow by design, with what takes the rows away again:",
        "",
    ]
    told += [
        "| table | rows that came | per action | at most | by | until |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    for grown in result.grown:
        told.append(
            f"| {grown.name} | {grown.rows:.0f} | {grown.per_action:.3f} | {grown.most:g} | {grown.by} | {grown.until} |"
        )
    told += [
        "",
        "What was done: "
        + ", ".join(f"{number} {name}" for name, number in sorted(tally.done.items()))
        + ".",
    ]
    told += [
        "What was refused: "
        + (", ".join(f"{n} {name}" for name, n in sorted(tally.refused.items())) or "nothing")
        + "."
    ]
    if tally.errors:
        told += ["", "Errors:", "", *(f"- {one}" for one in tally.said)]
    return "\n".join(told) + "\n"
