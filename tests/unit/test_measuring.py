"""Measuring: each probe bounded and apart; one that fails is "could not be determined", never a value."""

import sys
import threading
import time
from typing import Any

import msgspec
import pytest

from praxisd.model.machine import Disk, Fact, MachineFacts, Printer, SystemFacts, known, unknown
from praxisd.services.diagnosis import measuring
from praxisd.services.diagnosis.measuring import Meter, host_name, own_probes
from praxisd.services.diagnosis.measuring_probe import Probe, Undetermined, attempt, blank, bounded, output


def probe(name: str, fields: tuple[str, ...], call: Any, **more: Any) -> Probe:
    return Probe(name, fields, call, **more)


def fails(error: BaseException) -> Any:
    def call() -> dict[str, Any]:
        raise error

    return call


def leaves(value: Any) -> list[Fact[Any]]:
    """Every fact in a struct, those in lists too."""
    if isinstance(value, Fact):
        return [value, *leaves(value.value)]
    if isinstance(value, msgspec.Struct):
        return [f for one in msgspec.structs.fields(value) for f in leaves(getattr(value, one.name))]
    return [f for one in value for f in leaves(one)] if isinstance(value, tuple | list) else []


def test_this_computer_is_measured_and_every_leaf_has_a_value_or_a_reason() -> None:
    # Not the question for updates: apt takes seconds to read its lists.
    facts = Meter([one for one in own_probes() if one.name != "updates"]).measure(5, 60)
    assert facts.at == 5 and facts.host == host_name(facts.computer_name.value or "")
    assert facts.memory_gb.known and facts.disks.known and facts.os.family.value is not None
    assert all((leaf.value is None) == (leaf.why is not None) for leaf in leaves(facts))
    assert msgspec.json.decode(msgspec.json.encode(facts), type=MachineFacts) == facts


def test_a_probe_that_fails_takes_no_other_along() -> None:
    meter = Meter(
        [
            probe("bad", ("memory_gb", "os"), fails(ValueError("x"))),
            probe("shut", ("usb",), fails(PermissionError())),
            probe("told", ("ups",), fails(Undetermined("not_measurable"))),
            probe("good", ("domain",), lambda: {"domain": known("praxis")}),
        ]
    )
    facts = meter.measure(1)
    assert facts.domain == known("praxis")
    assert facts.memory_gb == unknown("failed") and facts.os == blank(SystemFacts, "failed")
    assert facts.usb == unknown("denied") and facts.ups == unknown("not_measurable")
    assert facts.screens == unknown("not_here")  # nobody here could tell


def test_one_that_hangs_is_a_timeout_now_asked_once_and_told_later() -> None:
    gate, asked = threading.Event(), []

    def hang() -> dict[str, Any]:
        asked.append(1)
        gate.wait(60)
        return {"usb": known(True)}

    meter = Meter(
        [
            probe("hang", ("usb",), hang, wait_s=0.1, keep_s=1000),
            probe("good", ("domain",), lambda: {"domain": known("")}),
        ]
    )
    first = meter.measure(1, 5)
    assert first.usb == unknown("timeout") and first.domain == known("")
    assert meter.measure(2, 5).usb == unknown("timeout") and asked == [1]
    gate.set()
    end = time.monotonic() + 60
    while meter.measure(3, 5).usb != known(True) and time.monotonic() < end:
        time.sleep(0.01)
    assert meter.measure(3, 5).usb == known(True) and asked == [1]


def test_probes_run_side_by_side() -> None:
    together = threading.Barrier(3, timeout=60)

    def call(field: str) -> Any:
        def meet() -> dict[str, Any]:
            together.wait()
            return {field: known(True)}

        return meet

    meter = Meter([probe(one, (one,), call(one), wait_s=60) for one in ("usb", "ups", "firewall")])
    facts = meter.measure(1, 60)
    assert facts.usb.value and facts.ups.value and facts.firewall.value


def test_answers_are_kept_and_failures_only_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    now = [0.0]
    monkeypatch.setattr(measuring.time, "monotonic", lambda: now[0])

    def good() -> dict[str, Any]:
        calls.append("good")
        return {"usb": known(True)}

    def bad() -> dict[str, Any]:
        calls.append("bad")
        raise OSError

    meter = Meter([probe("good", ("usb",), good, keep_s=1000), probe("bad", ("ups",), bad, keep_s=1000)])
    for now[0] in (0.0, 299.0, 301.0):
        meter.measure(1)
    assert sorted(calls) == ["bad", "bad", "good"]


def test_while_a_probe_is_at_it_again_its_last_answer_counts_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, gate, rounds = [0.0], threading.Event(), []
    monkeypatch.setattr(measuring.time, "monotonic", lambda: now[0])

    def slow() -> dict[str, Any]:
        rounds.append(1)
        if len(rounds) > 1:
            gate.wait(60)
        return {"usb": known(True)}

    meter = Meter([probe("slow", ("usb",), slow, keep_s=100, wait_s=0.05)])
    for _ in range(1_200):
        if meter.measure(1, 0.2).usb.known:
            break
    seen = []
    for now[0] in (150.0, 250.0):
        seen.append(meter.measure(1, 0.2).usb)
    gate.set()
    assert rounds == [1, 1] and seen == [known(True), unknown("timeout")]


def test_only_what_is_asked_for_is_measured() -> None:
    meter = Meter(
        [
            probe("one", ("usb",), lambda: {"usb": known(True)}),
            probe("two", ("ups",), fails(AssertionError())),
        ]
    )
    facts = meter.measure(1, only=("usb",))
    assert facts.usb == known(True) and facts.ups == unknown("not_measured")


def test_attempts_say_why() -> None:
    assert attempt(lambda: 3) == known(3)
    assert attempt(lambda: None) == unknown("failed")
    assert attempt(lambda: output(["praxisd-no-such-program"])) == unknown("no_program")
    assert attempt(lambda: output([sys.executable, "-c", "exit(3)"])) == unknown("failed")
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    assert attempt(lambda: output(slow, 0.2)) == unknown("timeout")
    assert attempt(lambda: bounded("slow", lambda: time.sleep(3), 0.05)) == unknown("timeout")
    assert attempt(lambda: bounded("slow", lambda: 1, 5)) == unknown("timeout")  # the first still hangs
    assert attempt(lambda: bounded("quick", lambda: 1, 5)) == known(1)


def test_a_path_lies_on_the_longest_volume_it_begins_with() -> None:
    disks = known((Disk(volume="C:\\"), Disk(volume="D:\\"), Disk(volume="/"), Disk(volume="/srv")))
    facts = MachineFacts(host="a", at=0, disks=disks)
    for path, volume in (
        ("c:\\DConcept\\DeData", "C:\\"), ("D:", "D:\\"), ("D:/doc2", "D:\\"), ("/srv/x", "/srv"), ("/srvx", "/"), ("/", "/"),
    ):  # fmt: skip
        found = facts.disk_of(path)
        assert found is not None and found.volume == volume, path
    assert facts.disk_of("\\\\server\\daten") is None and facts.disk_of("//server/daten") is None
    windows = MachineFacts(host="a", at=0, disks=known((Disk(volume="C:\\"),)))
    assert windows.disk_of("\\\\server\\daten") is None and windows.disk_of("") is None


@pytest.mark.parametrize(
    ("name", "host"), [("SRV-1.praxis.local", "srv-1"), ("", "unknown"), ("A" * 80, "a" * 63)]
)
def test_hosts_are_called_by_their_short_name(name: str, host: str) -> None:
    assert host_name(name) == host


def test_json_of_a_newer_or_foreign_form_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"host":"a","at":1,"patients":{"value":3}}', type=MachineFacts)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"host":"../a","at":1}', type=MachineFacts)


@pytest.mark.parametrize(
    "sent",
    [
        {"os": {"name": {"value": "x" * 261}}},
        {"memoryGb": {"value": -1.0}},
        {"cpu": {"cores": {"value": -4}}},
        {"memoryGb": {"value": 8, "why": "failed"}},
        {"memoryGb": {}},
        {"at": -1},
        {"disks": {"value": [{"volume": "C"}] * 65}},
        {"disks": {"value": [{"volume": "C" * 261}]}},
        {"services": {"value": [{"name": "a"}] * 1_001}},
        {"antivirus": {"value": ["x" * 261]}},
        {"screens": {"value": [{"width": -1, "height": 5}]}},
    ],
)
def test_facts_that_no_computer_has_are_refused(sent: dict[str, Any]) -> None:
    good = {"host": "a", "at": 1, "services": {"value": [{"name": "a"}] * 1_000}, "usb": {"value": False}}
    assert msgspec.convert(good, MachineFacts).services.known
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**good, **sent}, MachineFacts)


def test_what_is_measured_is_cut_to_what_may_be_sent() -> None:
    printers = tuple(Printer(name=f"{n}" * 300) for n in range(80))
    told = {"printers": known(printers), "domain": known("x" * 300), "antivirus": known(("y" * 300,))}
    facts = Meter([probe("long", tuple(told), lambda: told)]).measure(1)
    assert msgspec.json.decode(msgspec.json.encode(facts), type=MachineFacts) == facts
    assert len(facts.printers.value or ()) == 64 and facts.domain == known("x" * 260)
