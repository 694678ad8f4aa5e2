"""What `praxisd publish` says of a state of the repository, line by line, in the person's language."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from praxisd.kernel.terminal import language, say

_PACKAGE = "praxisd.services.updates"


def _say(key: str, **params: object) -> str:
    return say(_PACKAGE, f"updates.publish.{key}", **params)


def waiting(state: Mapping[str, Any]) -> Iterator[str]:
    """What waits for whom, then what runs out."""
    for one in state["waiting"]:
        if one["enough"]:
            yield _say("complete", role=one["role"], version=one["version"])
        else:
            names = {"signed": ", ".join(one["signed"]) or "–", "missing": ", ".join(one["missing"]) or "–"}
            yield _say("waits", **{k: one[k] for k in ("role", "version", "have", "need")}, **names)
    if not state["waiting"]:
        yield _say("nothing_waits")
    elif all(one["enough"] for one in state["waiting"]):
        yield _say("to_publish")
    yield from warnings(state["warnings"])


def warnings(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """One line for each role that runs out."""
    for one in found:
        what = "online" if one["online"] else "offline"
        yield _say(f"{one['code']}_{what}", role=one["role"], days=one["days"])


def changes(found: Sequence[Mapping[str, str]]) -> Iterator[str]:
    """What the signer is about to sign."""
    for one in found:
        yield _say(one["what"], role=one["role"], name=one["name"])


def published(made: Sequence[Mapping[str, Any]]) -> str:
    """What came out just now."""
    return _say("published", roles=", ".join(f"{one['role']} {one['version']}" for one in made))


def whole(state: Mapping[str, Any]) -> Iterator[str]:
    """Everything."""
    yield _say("repository", path=state["repository"])
    for one in state["roles"]:
        yield _say("role", role=one["role"], version=one["version"], expires=one["expires"][:10])
    for element in state["elements"]:
        title = element["title"].get(language(), element["name"])
        yield _say("element", name=element["name"], title=title, kind=element["kind"])
        for one in element["versions"]:
            patches = len(one["patches"])
            yield _say("version", version=one["version"], released=one["released"], patches=patches)
    yield from changes(state["changes"])
    yield from waiting(state)
