"""The bench's own arithmetic and its report: slopes, what is kept, what is named the worst, what the file says."""

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bench import __main__ as bench_main
from bench import parts, plots, report, report_file, results, slope
from hypothesis import given
from hypothesis import strategies as st

ROW = report.row("jobs", "ours : huey", [1.0, 3.0, 2.0], [4.0, 4.0, 4.0], demanded=0.6, note="a | b")


def kept(part: str, *rows: report.Row, curves: tuple[report.Curve, ...] = ()) -> results.Result:
    return results.Result(
        part=part, measured="2026-11-28 12:00", commit="abc", machine="2 cores", state="busy", rows=[*rows], curves=[*curves]
    )  # fmt: skip


def curve(name: str, *costs: float) -> report.Curve:
    points = [(10.0**n, cost) for n, cost in enumerate(costs)]
    return report.Curve("growth: seats", name, "seats", "ms", points)


@given(
    st.floats(0, 3),
    st.floats(1e-6, 1e6),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=8, unique=True),
)
def test_a_power_is_found_again(power: float, factor: float, sizes: list[int]) -> None:
    found = slope.fit([(size, factor * size**power) for size in sizes])
    assert found.slope == pytest.approx(power, abs=1e-6) and found.tail == pytest.approx(power, abs=1e-4)
    assert found.off == pytest.approx(1, abs=1e-6)
    assert found.worse == (power > slope.WORSE) or abs(power - slope.WORSE) < 1e-3


def test_what_constant_costs_hide_is_seen_at_the_end() -> None:
    square = slope.fit([(n, 1000.0 + n * n) for n in (1, 10, 100, 1_000)])
    assert square.slope < slope.WORSE < square.tail and square.worse
    assert not slope.fit([(n, 5.0 + n) for n in (1, 10, 100, 1_000)]).worse


@pytest.mark.parametrize("points", [[(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)], [(1.0, 0.0), (2.0, 1.0)]])
def test_no_slope_is_made_up(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError):
        slope.fit(points)


def test_what_was_found_is_kept_whole(tmp_path: Path) -> None:
    one = kept("jobs", ROW, curves=(curve("coming", 1, 2),))
    results.keep(one, tmp_path)
    results.keep(kept("jobs", ROW), tmp_path)
    assert results.kept(tmp_path) == {"jobs": kept("jobs", ROW)}
    assert (ROW.ratio, ROW.low, ROW.high, ROW.met) == (0.5, 0.25, 0.75, False)
    (tmp_path / "slots.json").write_text('{"part": 1}')
    with pytest.raises(ValueError, match=r"slots\.json"):
        results.kept(tmp_path)


def test_a_machine_is_quiet_only_at_both_ends() -> None:
    assert results.state(0.01, 0.02) == "quiet"
    assert results.state(0.01, 0.3) == results.state(0.3, 0.01) == "busy"
    assert 0 <= results.others(0.05) <= 1.5


def test_the_worst_are_those_farthest_behind_somebody_else() -> None:
    rows = [
        report.Row("a", "a tenth of the rate", 0.1),
        report.Row("a", "five times the cost", 5.0, less=True),
        report.Row("a", "ahead", 30.0),
        report.Row("a", "beside itself", 90.0, less=True, own=True),
        report.Row("a", "at most", 20.0, most=True),
    ]
    found = {
        "slots": kept("slots", *rows),
        "jobs": kept("jobs", ROW, report.Row("delays", "ours : huey", 7.0, less=True)),
    }
    assert [one.key for one in report_file.worst(found, 4)] == [
        "slots: at most",
        "slots: a tenth of the rate",
        "jobs: delays: ours : huey",
        "slots: five times the cost",
    ]


def test_the_file_says_all_that_is_kept(tmp_path: Path) -> None:
    entered = kept("seats", report.Row("seats", "16: Redis", 0.59))
    entered.entered = "from the report of that day"
    nothing = kept("pretix")
    nothing.skipped = "pip found nothing"
    told = [
        kept("jobs", ROW),
        entered,
        nothing,
        kept("growth", curves=(curve("coming", 1, 2), curve("crowd", 1, 100))),
    ]
    for one in told:
        results.keep(one, tmp_path / "results")
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "gone.svg").write_text("old")
    (tmp_path / "soak-out").mkdir()
    (tmp_path / "soak-out" / "soak.md").write_text("## One hour\n\n![memory](soak.svg)\n")
    (tmp_path / "soak-out" / "soak.svg").write_text("<svg/>")
    report_file.take(tmp_path / "soak-out", tmp_path)
    (tmp_path / "worst.md").write_text(
        "# Kept by hand\n\n## huey is fast\nOf: jobs: ours*; x: y\n\nIt forgets.\n"
    )
    file, bare = report_file.write(tmp_path)
    text = file.read_text(encoding="utf-8")
    assert bare == ["seats: 16: Redis", "growth: crowd by seats"]
    for words in (
        "| ours : huey | 0.5 | 0.25 to 0.75 |  | ≥ 0.6 **missed** | a \\| b |",
        "Entered by hand: from the report of that day",
        "not measured: pip found nothing",
        "[huey is fast](#huey-is-fast)",
        "## huey is fast\n\nIt forgets.",
        "| crowd | 2.00 **worse than linear** | 2.00 |",
        "not measured yet",
        "![Growth](plots/growth-seats.svg)",
        "# Soak\n\n## One hour\n\n![memory](plots/soak.svg)",
    ):
        assert words in text
    assert "Of: jobs" not in text and text == report_file.write(tmp_path)[0].read_text(encoding="utf-8")
    pictures = {one.name for one in (tmp_path / "plots").iterdir()}
    assert pictures == {"jobs.svg", "seats.svg", "growth-seats.svg", "soak.svg"}
    ElementTree.parse(tmp_path / "plots" / "growth-seats.svg")
    (tmp_path / "worst.md").write_text("## Without a word\n")
    with pytest.raises(ValueError, match="Of:"):
        report_file.write(tmp_path)


def test_parts_are_measured_once_and_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def measure(name: str) -> parts.Measure:
        def work(_run: parts.Run, found: report.Report) -> None:
            asked.append(name)
            if name == "pretix" and asked.count(name) == 1:
                raise SystemExit("pip found nothing")
            found.rows.append(report.row(name, "a row", [2.0], [1.0]))

        return work

    fakes = tuple(parts.Part(name, name, "nothing", measure(name), 1) for name in ("slots", "pretix", "jobs"))
    monkeypatch.setattr(parts, "PARTS", fakes)
    monkeypatch.setattr(parts, "BY_NAME", {one.name: one for one in fakes})
    monkeypatch.setattr(results, "others", lambda: 0.01)
    monkeypatch.setattr(results, "commit", lambda: "abc")
    (tmp_path / "worst.md").write_text("## All\nOf: *\n\nNothing to say.\n")

    def bench(*words: str) -> int:
        monkeypatch.setattr("sys.argv", ["bench", *words, "--into", str(tmp_path)])
        return bench_main.main()

    assert bench("all", "--write") == 1  # one peer was not to be had
    assert "not measured: pip found nothing" in (tmp_path / "REPORT.md").read_text(encoding="utf-8")
    assert results.kept(tmp_path / "results")["jobs"].state == "quiet"
    assert bench("all", "--write") == 0
    assert asked == ["slots", "pretix", "jobs", "pretix"]  # the others had their figures of this commit
    assert bench("--part", "jobs", "--write") == bench("all", "--write", "--again") == bench("slots") == 0
    assert asked[4:] == ["jobs", "slots", "pretix", "jobs", "slots"]
    assert results.kept(tmp_path / "results")["pretix"].rows and bench("report") == 0


def test_what_is_committed_can_be_written_again(tmp_path: Path) -> None:
    for one in results.kept().values():
        assert one.part in parts.BY_NAME or one.part == "soak"
        assert one.skipped or one.rows or one.curves
        results.keep(one, tmp_path / "results")
    (tmp_path / "worst.md").write_text(
        (report_file.HERE / "worst.md").read_text(encoding="utf-8"), encoding="utf-8"
    )
    for other in (report_file.HERE / "results").glob("*.md"):
        (tmp_path / "results" / other.name).write_text(other.read_text(encoding="utf-8"), encoding="utf-8")
    file, _ = report_file.write(tmp_path)
    committed = report_file.HERE / "REPORT.md"
    assert file.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8"), (
        "run: python -m bench report"
    )


@given(st.lists(st.floats(1e-3, 1e5), min_size=1, max_size=5), st.text(max_size=20))
def test_pictures_are_pictures(values: list[float], name: str) -> None:
    name = "".join(one for one in name if one.isprintable())
    found = plots.dots(name, [plots.Dot(name, v, v / 2, v * 2, None, None) for v in values])
    assert found.count("<circle") == len(values)
    ElementTree.fromstring(found)
    ElementTree.fromstring(
        plots.lines("t", "x", "y", [plots.Line(name, [(1, v), (10, v * 3)]) for v in values])
    )
    across = plots.decades(min(values), max(values))
    assert across[0] <= min(values) * 1.001 and across[-1] >= max(values) * 0.999
    assert all(b == pytest.approx(a * 10) for a, b in itertools.pairwise(across))
