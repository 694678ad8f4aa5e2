"""bench/REPORT.md, written anew as a whole from bench/results, with its plots; `python -m bench report`.

Nothing in it is written by hand but what bench/worst.md says of the worst ratios and of missed demands. Each section there has
a line `Of: part: name; part: name`, with `*` for any words, that says which rows it is about.
"""

import fnmatch
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench import parts, plots, report, results, slope

HERE = Path(__file__).parent
WORST = 3
_HEAD = """\
# praxisd beside floors and peers

Written by `python -m bench report` from `bench/results/`; not by hand. Every figure is a ratio: ours beside a floor (the least
that work can cost) or a peer, in turns in the same run. What is measured how: [README](README.md). What was found on earlier
days, with profiles and what was done: [HISTORY](HISTORY.md).

**How to repeat:** `python -m bench all --write` (about {hours:.1f} hours on two quiet cores; stopped, it goes on where it was),
one part by `python -m bench PART --write`. *Quiet*: others used at most {quiet:.0%} of the processors just before and after.
"""
_SIGNS = {True: "met", False: "**missed**", None: ""}


class Told(NamedTuple):
    """A row with the name by which worst.md calls it."""

    key: str
    row: report.Row
    result: results.Result


class Section(NamedTuple):
    """One section of worst.md: the rows it is about (patterns), and its Markdown with the heading."""

    about: tuple[str, ...]
    text: str


def told(found: Mapping[str, results.Result]) -> Iterator[Told]:
    """All rows of all results; where a name stands twice in a part, its table's name is put before it."""
    for result in found.values():
        often = Counter(row.name for row in result.rows)
        for row in result.rows:
            middle = f"{row.part}: " if often[row.name] > 1 else ""
            yield Told(f"{result.part}: {middle}{row.name}", row, result)


def worst(found: Mapping[str, results.Result], count: int = WORST) -> list[Told]:
    """The rows farthest behind their floor or peer; those beside praxisd itself are not among them."""
    outside = [one for one in told(found) if not one.row.own]
    return sorted(outside, key=lambda one: -one.row.behind)[:count]


def sections(text: str) -> list[Section]:
    """The sections of worst.md. ValueError for one that does not say what it is about."""
    found = []
    for one in re.split(r"(?m)^(?=## )", text)[1:]:
        about = re.search(r"(?m)^Of: (.+)$", one)
        if about is None:
            raise ValueError(f"bench/worst.md: no line `Of:` below {one.splitlines()[0]!r}")
        patterns = tuple(name.strip() for name in about[1].split(";"))
        found.append(Section(patterns, one.replace(about[0] + "\n", "").strip()))
    return found


def about(key: str, known: Sequence[Section]) -> Section | None:
    """The section that is about this row, if any."""
    return next((one for one in known if any(fnmatch.fnmatchcase(key, name) for name in one.about)), None)


def write(folder: Path = HERE) -> tuple[Path, list[str]]:
    """Write REPORT.md and plots/; the file, and the rows that worst.md ought to say something of and does not."""
    found = results.kept(folder / "results")
    ordered = {one.name: found[one.name] for one in parts.PARTS if one.name in found}
    ordered |= found
    by_hand = folder / "worst.md"
    known = sections(by_hand.read_text(encoding="utf-8")) if by_hand.exists() else []
    pictures = _pictures(ordered)
    (folder / "plots").mkdir(exist_ok=True)
    others = sorted((folder / "results").glob("*.md"))
    for old in (folder / "plots").glob("*.svg"):
        if old.name not in pictures and old.stem not in [one.stem for one in others]:
            old.unlink()
    for name, text in pictures.items():
        (folder / "plots" / name).write_text(text, encoding="utf-8")
    bare: list[str] = []
    body = "\n".join(_lines(ordered, known, pictures, bare))
    for one in others:
        said = re.sub(r"\]\(([\w-]+\.svg)\)", r"](plots/\1)", one.read_text(encoding="utf-8"))
        body += f"\n# {one.stem.capitalize()}\n\n{said}\n"
    file = folder / "REPORT.md"
    file.write_text(body.rstrip() + "\n", encoding="utf-8")
    return file, bare


def take(source: Path, folder: Path = HERE) -> None:
    """Take a section that another program wrote (`soak.md` with its `soak.svg`) into what the report is made of."""
    for place, kind in (("results", "*.md"), ("plots", "*.svg")):
        (folder / place).mkdir(exist_ok=True)
        for one in source.glob(kind):
            shutil.copyfile(one, folder / place / one.name)


def _lines(
    found: Mapping[str, results.Result], known: Sequence[Section], pictures: Iterable[str], bare: list[str]
) -> Iterator[str]:
    yield _HEAD.format(hours=sum(one.minutes for one in parts.PARTS) / 60, quiet=results.QUIET)
    machines = Counter(one.machine for one in found.values() if one.machine)
    yield f"**Machine:** {'; '.join(name for name, _ in machines.most_common())}.\n"
    yield from _overview(found)
    yield from _the_worst(found, known, bare)
    for name, result in found.items():
        yield from _part(
            name, result, [one for one in pictures if one.rsplit(".", 1)[0].split("-")[0] == name]
        )


def _overview(found: Mapping[str, results.Result]) -> Iterator[str]:
    yield "| part | beside | measured | commit | machine | demands met | worst, times behind |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for part in parts.PARTS:
        one = found.get(part.name)
        if one is None or one.skipped:
            why = "not measured yet" if one is None else f"not measured: {_cell(one.skipped)}"
            yield f"| {part.title} | {part.beside} | {why} | | | | |"
            continue
        asked = [row for row in one.rows if row.met is not None] + [None] * len(one.curves)
        met = len(asked) - len(one.missed) - sum(curve.fit.worse for curve in one.curves)
        demands = f"{met} of {len(asked)}" if asked else "none set"
        far = max(one.rows, key=lambda row: row.behind, default=None)
        said = "" if far is None else f"{plots.number(far.behind)} ({_cell(far.name)})"
        entered = ", entered by hand" if one.entered else ""
        link = f"[{part.title}](#{_anchor(part.title)})"
        yield f"| {link} | {part.beside} | {one.measured} | {one.commit} | {one.state}{entered} | {demands} | {said} |"
    yield ""


def _the_worst(
    found: Mapping[str, results.Result], known: Sequence[Section], bare: list[str]
) -> Iterator[str]:
    far = worst(found)
    missed = [one for one in told(found) if one.row.met is False]
    steep = [
        (f"{result.part}: {curve.name} by {curve.along}", curve)
        for result in found.values()
        for curve in result.curves
        if curve.fit.worse
    ]
    said: list[Section] = []

    def say(key: str) -> str:
        section = about(key, known)
        if section is None:
            bare.append(key)
            return "nothing yet"
        if section not in said:
            said.append(section)
        title = section.text.splitlines()[0].removeprefix("## ")
        return f"[{title}](#{_anchor(title)})"

    yield "# The three worst, and what is missed\n"
    yield "Chosen by the command: the figures farthest behind a floor or peer; all demands that are missed; all that grows"
    yield "worse than its size. What is said of them is kept by hand in `worst.md`.\n"
    yield "| figure | ratio | times behind | demanded | measured | profile and plan |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for one in dict.fromkeys([*(t.key for t in far), *(t.key for t in missed)]):
        row, result = next((t.row, t.result) for t in told(found) if t.key == one)
        yield (
            f"| {_cell(one)} | {plots.number(row.ratio)} | {plots.number(row.behind)} | {_demand(row)} "
            f"| {result.measured}, {result.state} | {say(one)} |"
        )
    for key, curve in steep:
        steepness = f"slope {curve.fit.slope:.2f}, at its end {curve.fit.tail:.2f}"
        yield f"| {_cell(key)} | {steepness} | | ≤ {slope.WORSE} **missed** | | {say(key)} |"
    yield ""
    for section in said:
        yield section.text + "\n"


def _part(name: str, result: results.Result, pictures: Sequence[str]) -> Iterator[str]:
    part = parts.BY_NAME.get(name)
    title, beside = (part.title, part.beside) if part else (name, "see below")
    yield f"# {title}\n"
    if result.skipped:
        yield f"Not measured ({result.measured}): {result.skipped}\n"
        return
    said = f"Measured {result.measured} at {result.commit}, {result.state}"
    if result.load:
        said += f", load before {result.load}"
    if result.others is not None:
        said += (
            f", others used {result.others[0]:.0%} of the processors before and {result.others[1]:.0%} after"
        )
    yield f"{said}. Beside: {beside}." + (f" `{result.command}`" if result.command else "")
    if result.entered:
        yield f"Entered by hand: {result.entered}"
    yield ""
    yield from _rows(result.rows)
    yield from _curves(result.curves)
    for note in result.notes:
        yield f"- {note}"
    yield ""
    for one in pictures:
        yield f"![{title}](plots/{one})\n"


def _rows(rows: Sequence[report.Row]) -> Iterator[str]:
    table = ""
    for row in rows:
        if row.part != table:
            if table:
                yield ""
            table = row.part
            yield f"| {_cell(table)} | ratio | rounds | by cpu | demanded | |"
            yield "| --- | --- | --- | --- | --- | --- |"
        spread = (
            ""
            if row.low is None or row.high is None
            else f"{plots.number(row.low)} to {plots.number(row.high)}"
        )
        cpu = "" if row.cpu is None else plots.number(row.cpu)
        less = "; less is better" if row.less or row.most else ""
        note = (row.note + less).removeprefix("; ")
        yield f"| {_cell(row.name)} | {plots.number(row.ratio)} | {spread} | {cpu} | {_demand(row)} | {_cell(note)} |"
    if rows:
        yield ""


def _curves(curves: Sequence[report.Curve]) -> Iterator[str]:
    table = ""
    for curve in curves:
        if curve.part != table:
            if table:
                yield ""
            table = curve.part
            yield f"| {_cell(table)} | slope | at its end | fit within | cost beside the smallest (by the clock) | | "
            yield "| --- | --- | --- | --- | --- | --- |"
        fit, each = curve.fit, slope.ratios(curve.points)
        clock = [one / curve.clock[0] for one in curve.clock] if curve.clock else []
        told_ = [
            f"{size:,.0f}: {plots.number(ratio)}" + (f" ({plots.number(clock[n])})" if clock else "")
            for n, ((size, _), ratio) in enumerate(zip(curve.points, each, strict=True))
        ]
        worse = " **worse than linear**" if fit.worse else ""
        first = f"smallest: {plots.number(curve.points[0][1])} {curve.unit}"
        note = f"{first}; {curve.note}" if curve.note else first
        figures = f"{fit.slope:.2f}{worse} | {fit.tail:.2f} | × {fit.off:.2f}"
        yield f"| {_cell(curve.name)} | {figures} | {', '.join(told_)} | {_cell(note)} |"
    if curves:
        yield ""


def _pictures(found: Mapping[str, results.Result]) -> dict[str, str]:
    made = {}
    for name, result in found.items():
        if result.rows:
            keys = [one.key.removeprefix(f"{name}: ") for one in told({name: result})]
            dots = [
                plots.Dot(key, r.ratio, r.low, r.high, r.demanded, r.met)
                for key, r in zip(keys, result.rows, strict=True)
            ]
            title = parts.BY_NAME[name].title if name in parts.BY_NAME else name
            made[f"{name}.svg"] = plots.dots(f"{title}: ratios, {result.measured}, {result.state}", dots)
        for table in dict.fromkeys(curve.part for curve in result.curves):
            curves = [one for one in result.curves if one.part == table]
            lines = [
                plots.Line(
                    one.name, [(s, r) for (s, _), r in zip(one.points, slope.ratios(one.points), strict=True)]
                )
                for one in curves
            ]
            short = re.sub(r"[^a-z]+", "_", curves[0].along.lower()).strip("_")
            made[f"{name}-{short}.svg"] = plots.lines(
                table, curves[0].along, "cost beside the smallest size", lines
            )
    return made


def _demand(row: report.Row) -> str:
    if row.demanded is None:
        return ""
    return f"{'≤' if row.most else '≥'} {row.demanded:g} {_SIGNS[row.met]}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _anchor(title: str) -> str:
    """As GitHub and its like make it of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
