"""The page docs/reference/seats-protocol.md, tried: each request in it is sent as it stands there, and answered."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from praxisd.kernel.clock import SystemClock
from praxisd.services.seats import messages
from praxisd.testing.houses import Houses

from . import seats_door_cast as cast
from .seats_door_cast import Door

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "seats-protocol.md").read_text("utf-8")


def examples() -> list[dict[str, Any]]:
    """All JSON of the page, in its order."""
    found = re.findall(r"`(\{\"type\".*?\})` \||```json\n(\{.*\})\n```", PAGE)
    return [json.loads(one or two) for one, two in found]


@pytest.fixture
def door(sqlite_houses: Houses) -> Iterator[Door]:
    with cast.door_of(sqlite_houses.open(cast.SERVICES, SystemClock())) as found:
        yield found


def types(union: Any) -> set[str]:
    return {one.__struct_config__.tag for one in get_args(union)}


def test_the_page_has_every_request_and_every_push() -> None:
    assert {one["type"] for one in examples()} >= types(messages.Request)
    for push in types(messages.Push):
        assert re.search(rf"`{push} \{{", PAGE), push


def test_every_example_is_answered_as_the_page_says(door: Door) -> None:
    key, session, record = door.key(may_take=True), secrets.token_hex(16), "Patient/abc"
    line, other = door.wired(), door.program()[0]
    hello = next(one for one in examples() if one["type"] == "hello")
    assert {*hello} == {*line.hello}
    answered: set[str] = set()
    for one in (one for one in examples() if one["type"] not in ("hello", "answer", "problem", "bye")):
        if one["type"] == "here":
            assert {*one} - {"person", "program"} == {*key.here(line.hello, session)}
            one = key.here(line.hello, session, person=one["person"], program=one["program"])
            told, shown = line.ask(**one), next(one for one in examples() if one["type"] == "answer")
            assert {*told} == {*shown}
            assert {*told["seat"]} == {*shown["seat"]}
        elif one["type"] in ("take", "ask"):
            assert "lock" in other.ask(type="lock", record=record) or one["type"] == "ask"
            told = (other if one["type"] == "ask" else line).ask(**one)
        elif one["type"] == "reply":
            told = line.ask(**one | {"session": other_session(line)})
        else:
            told = line.ask(**one)
        assert told["type"] == "answer", (one, told)
        answered.add(one["type"])
    assert answered | {"bye"} == types(messages.Request)
    assert other.push("lost")["why"] == "taken"
    assert other.push("replied")["answer"] == "soon"
    refused = other.ask(type="lock", record=record)
    assert {*refused} == {"type", "id", "code", "retry", "title", "parameters"}
    assert {"holder", "own", "until"} <= {*refused["parameters"]}
    assert line.ask(**next(one for one in examples() if one["type"] == "bye"))["type"] == "answer"
    assert line.closed() == (1000, "bye")


def other_session(line: cast.Wired) -> str:
    """Who asked this holder to finish."""
    return str(line.push("asked")["by"]["session"])
