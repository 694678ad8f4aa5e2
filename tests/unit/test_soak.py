"""The judge of a soak: leaks are found in noise, and noise, steps and warm-up are no leaks; what is drawn is a whole picture."""

import random
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen
from time import monotonic, sleep

import psutil
import pytest

from praxisd.testing import soak_report, soak_sample, soak_verdicts
from praxisd.testing.soak_actor import Tally
from praxisd.testing.soak_bounds import BOUNDS, DESIGN
from praxisd.testing.soak_judge import Bound, judge, quantile, theil_sen
from praxisd.testing.soak_plot import Curve, Panel, svg

HOUR = 3600.0
SEEDS = range(8)
BOUND = Bound(6.0, "made")


def series(level: Callable[[float], float], seed: int, noise: float = 1.0, seconds: float = HOUR) -> list:
    """A value each five seconds, with noise and now and then a wild one."""
    dice = random.Random(seed)
    found = []
    for n in range(int(seconds / 5)):
        wild = dice.choice((40.0, -20.0)) if dice.random() < 0.03 else 0.0
        found.append((n * 5.0, level(n * 5.0) + dice.gauss(0, noise) + wild))
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leak_is_found_in_noise(seed: int) -> None:
    found = judge(series(lambda at: 120 + 12 * at / HOUR, seed), BOUND, warm_s=600)
    assert (found.state, found.fails) == ("grows", True)
    assert 10 < found.per_hour < 14


@pytest.mark.parametrize("seed", SEEDS)
def test_a_leak_in_lumps_is_a_leak(seed: int) -> None:
    """Memory comes in arenas of a megabyte: flat for minutes, then higher."""
    assert judge(series(lambda at: 120 + at // 240, seed, 0.3), BOUND, warm_s=600).state == "grows"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("noise", [0.0, 1.0, 8.0])
def test_noise_is_no_leak(seed: int, noise: float) -> None:
    assert not judge(series(lambda _: 120.0, seed, noise), BOUND, warm_s=600).fails


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("at_s", [900, 1500, 2100, 2700, 3300])
def test_one_step_is_no_leak_and_is_named(seed: int, at_s: int) -> None:
    found = judge(series(lambda at: 120.0 + 30 * (at > at_s), seed), BOUND, warm_s=600)
    assert found.state in ("step", "flat")
    assert found.last > found.first + 25 or at_s > 3000


@pytest.mark.parametrize("seed", SEEDS)
def test_the_warm_up_is_not_judged(seed: int) -> None:
    rises = series(lambda at: 60 + 60 * min(at, 500) / 500, seed)
    assert not judge(rises, BOUND, warm_s=600).fails
    assert judge([one for one in rises if one[0] < 480], BOUND).state == "grows"


def test_a_descriptor_lost_each_ten_minutes_is_found_and_the_pulse_of_pages_is_not() -> None:
    dice = random.Random(1)
    pulse = [(n * 5.0, 60.0 + dice.randrange(5)) for n in range(720)]
    assert not judge(pulse, BOUNDS["server.fds"], warm_s=600).fails
    lost = [(at, value + at // 600) for at, value in pulse]
    assert judge(lost, BOUNDS["server.fds"], warm_s=600).fails


def test_too_short_is_said_and_never_called_flat() -> None:
    assert judge(series(lambda at: 100 * at, 1, seconds=120), BOUND).state == "short"
    assert judge([], BOUND).state == "short"


def test_the_slope_is_that_of_a_line_whatever_a_fifth_of_the_points_say() -> None:
    line = [(float(n), 3.0 * n + (10_000 if n % 5 == 0 else 0)) for n in range(50)]
    assert theil_sen(line) == pytest.approx(3.0, abs=0.3)
    assert theil_sen([(1.0, 2.0)]) == 0.0
    assert (quantile([], 0.5), quantile([3.0, 1.0, 2.0], 0.5), quantile([1.0, 9.0], 0.99)) == (0.0, 2.0, 9.0)


def test_a_table_grows_only_as_its_design_says_and_one_without_not_at_all() -> None:
    actions = [(at, at * 2.0) for at, _ in series(lambda _: 0, 1)]
    most = DESIGN["kernel_event"].per_action
    kept = {
        "rows.kernel_event": [(at, at * 2 * most * 0.9) for at, _ in actions],
        "rows.calendar_hold": [(at, 40 + at / 60) for at, _ in actions],
        "rows.kernel_setting": [(at, 7.0) for at, _ in actions],
    }
    (grown,) = soak_verdicts.grown(kept, actions, 600)
    assert not grown.fails and grown.per_action == pytest.approx(most * 0.9)
    kept["rows.kernel_event"] = [(at, at * 2 * most * 1.2) for at, _ in actions]
    assert soak_verdicts.grown(kept, actions, 600)[0].fails
    lines = {one.name: one.verdict for one in soak_verdicts.lines(kept, 600)}
    assert lines["rows.calendar_hold"].fails and not lines["rows.kernel_setting"].fails
    assert "rows.kernel_event" not in lines


def test_a_probe_may_double_but_not_more() -> None:
    for factor, fails in ((1.0, False), (1.8, False), (6.0, True)):
        points = series(lambda at, f=factor: 30 + 30 * (f - 1) * at / HOUR, 3)
        (line,) = soak_verdicts.lines({"probe.slots": points}, 600)
        assert line.verdict.fails is fails, factor


LEAKS = """
import os, sys, time
kept = []
for n in range(10_000):
    if sys.argv[1] == "leak":
        kept.append((os.open("/dev/null", os.O_RDONLY), bytearray(b"x" * 200_000)))
    sys.stdout.write(".")
    sys.stdout.flush()
    time.sleep(0.02)
    if n > 900:
        break
"""


@pytest.mark.parametrize(("how", "fails"), [("leak", True), ("calm", False)])
def test_a_program_that_leaks_on_purpose_is_caught_by_what_samples_the_server(how: str, fails: bool) -> None:
    """The real sampler at a real process: memory and descriptors are named, and a calm one is let go."""
    with Popen([sys.executable, "-c", LEAKS, how], stdout=PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.read(1)
            began = monotonic()
            samples = soak_sample.Samples(lambda: monotonic() - began)
            one = psutil.Process(process.pid)
            for _ in range(30):
                samples.put(soak_sample.program("server", one))
                process.stdout.read(2)  # two turns more, however busy the machine is
                sleep(0.005)
        finally:
            process.kill()
    found = {line.name for line in soak_verdicts.lines(samples.series, 0.1, 0.2) if line.verdict.fails}
    assert ({"server.uss", "server.rss", "server.fds"} <= found) is fails, found
    assert "server.threads" not in found


def test_the_picture_is_whole_and_says_what_it_shows() -> None:
    panels = [
        Panel(
            "Memory <of> it",
            "MB",
            (Curve("RSS & more", [(n / 10, 120 + n % 7) for n in range(600)]),),
            [3, 30],
        ),
        Panel("Nothing yet", "", ()),
    ]
    root = ET.fromstring(svg("Soak", panels, 10))
    words = "".join(root.itertext())
    assert "Memory <of> it [MB]" in words and "RSS & more" in words and "Nothing yet" in words
    assert "50 min" in words
    lines = root.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 1 and 300 <= len(str(lines[0].get("points")).split()) <= 400


def result_of(levels: dict[str, Callable[[float], float]]) -> soak_report.Result:
    """An hour that was made."""
    samples, now = soak_sample.Samples(lambda: clock[0]), series(lambda _: 0, 1)
    clock = [0.0]
    for at, _ in now:
        clock[0] = at
        samples.put(
            {"actions": at * 2, "files.database": 4 + at / 1000} | {k: f(at) for k, f in levels.items()}
        )
    tally = Tally()
    tally.count(tally.done, "desk.view")
    return soak_report.Result(
        seconds=HOUR, seed=1, engine="SQLite", rate=7.0, warm_s=600, tally=tally, samples=samples, idle=[],
        lines=soak_verdicts.lines(samples.series, 600), load=(0.5, 0.5),
        grown=soak_verdicts.grown(samples.series, samples.series["actions"], 600),
    )  # fmt: skip


def test_the_report_names_what_grew_and_is_not_good_then(tmp_path: Path) -> None:
    calm = result_of({"server.uss": lambda _: 180.0, "rows.kernel_event": lambda at: at})
    assert calm.good and not calm.leaks
    soak_report.write(calm, tmp_path)
    told = (tmp_path / "soak.md").read_text(encoding="utf-8")
    assert "**Nothing grew.**" in told and "grew by 0.50 kB for each action" in told
    assert "| kernel_event | 2995 | 0.500 | 3 |" in told and (tmp_path / "soak.json").exists()
    leaking = result_of({"server.uss": lambda at: 180 + at / 60, "rows.kernel_event": lambda at: 20 * at})
    assert leaking.leaks == ["server.uss", "kernel_event"] and not leaking.good
    assert "**Grew: server.uss, kernel_event.**" in soak_report.text(leaking)
    calm.idle.append("desk")
    assert not calm.good
    calm.idle.clear()
    calm.tally.error("desk", RuntimeError("HTTP 500"))
    assert not calm.good and "HTTP 500" in soak_report.text(calm)
