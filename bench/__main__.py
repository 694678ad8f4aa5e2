"""`python -m bench [PART] [--write] [--json]`: measure, print ratios; ends with 1 if a demand is missed.

`all --write` measures part after part, keeps what each found in bench/results and writes bench/REPORT.md anew after each; begun
again, it goes on with the parts this commit has no figures of (`--again`: with all). `--part NAME` is one part alone, `report`
only writes the report.
"""

import argparse
import contextlib
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from bench import parts, report, report_file, results


def main() -> int:
    """Parse, measure, keep, write."""
    options = _options()

    def say(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    if options.take:
        report_file.take(options.take, options.into)
    if options.what == "report":
        return _written(say, options.into)
    wanted = parts.PARTS if options.what == "all" else (parts.BY_NAME[options.what],)
    whole = report.Report(report.machine())
    good = True
    with ExitStack() as stack:
        run = parts.Run(
            options.rounds, options.seconds, options.entries, options.small, options.keep, say, stack
        )
        for part in wanted:
            if options.write:
                good &= _kept(part, run, options)
            else:
                with contextlib.nullcontext() if options.what == part.name else _passing(part, say):
                    found = part.run(run)
                    whole.rows += found.rows
                    whole.curves += found.curves
                    whole.notes += [one for one in found.notes if one not in whole.notes]
    if options.write:
        return max(_written(say, options.into), 0 if good else 1)
    report.show(whole, options.json)
    return 0 if whole.good else 1


@contextlib.contextmanager
def _passing(part: parts.Part, say: parts.Say):  # type: ignore[no-untyped-def]
    """Among many parts one whose peer is not to be had is left out."""
    try:
        yield
    except SystemExit as why:
        say(f"{part.name}: left out: {why}")


def _kept(part: parts.Part, run: parts.Run, options: argparse.Namespace) -> bool:
    """Measure a part unless it is done, keep what it found and write the report; False if a demand is missed or it failed."""
    commit = results.commit()
    folder = options.into / "results"
    before = results.kept(folder).get(part.name) if folder.exists() else None
    alone = options.what == part.name
    if (
        before
        and not before.entered
        and not before.skipped
        and before.commit == commit
        and not (alone or options.again)
    ):
        run.say(f"{part.name}: done at {before.measured}, {before.state}")
        return not before.missed
    quiet, load, began = results.others(), results.load(), time.monotonic()
    run.say(
        f"{part.name}: begins, about {part.minutes} minutes on a quiet machine; others use {quiet:.0%} now"
    )
    new = results.Result(
        part=part.name,
        measured=results.now(),
        commit=commit,
        machine=report.hardware(),
        state="busy",
        load=load,
        command=f"python -m bench {part.name} --rounds {options.rounds}{' --small' if options.small else ''} --write",
    )
    try:
        found = part.run(run)
    except (SystemExit, Exception) as why:
        run.say(f"{part.name}: not measured: {why!r}")
        if before is None:  # a figure from another day is worth more than none
            new.skipped = str(why)[:500]
            results.keep(new, folder)
        return False
    after = results.others()
    new.seconds, new.others, new.state = time.monotonic() - began, (quiet, after), results.state(quiet, after)
    new.rows, new.curves, new.notes = found.rows, found.curves, found.notes
    results.keep(new, folder)
    report.show(found, False)
    report_file.write(options.into)
    return found.good


def _written(say: parts.Say, into: Path) -> int:
    """Write the report; 1 where one of the worst has no profile yet."""
    file, bare = report_file.write(into)
    say(f"written: {file}")
    for one in bare:
        say(f"bench/worst.md says nothing of: {one}")
    return 1 if bare else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ("all", "report", *parts.BY_NAME)
    parser.add_argument("what", nargs="?", metavar="PART", choices=names, default=None, help=", ".join(names))
    parser.add_argument("--part", choices=tuple(parts.BY_NAME), help="the same as PART")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--write", action="store_true", help="keep what is found, and write bench/REPORT.md")
    parser.add_argument("--again", action="store_true", help="measure what this commit has figures of, too")
    parser.add_argument("--small", action="store_true", help="growth and take-over in small sizes")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds, 7 if left out")
    parser.add_argument("--seconds", type=int, default=2, help="length of one load, 2 if left out")
    parser.add_argument(
        "--entries", type=int, default=1_000_000, help="of the logbook, a million if left out"
    )
    parser.add_argument(
        "--take", type=Path, help="a folder with a section (.md, .svg) for the report, as the soak writes it"
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=report_file.HERE,
        help="where results/ and REPORT.md lie, bench/ if left out",
    )
    parser.add_argument("--keep", type=Path, help="a folder for the filled practice, used again the same day")
    options = parser.parse_args()
    options.what = options.part or options.what or "all"
    return options


if __name__ == "__main__":
    sys.exit(main())
