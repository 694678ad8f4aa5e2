"""Three-way merge of one record, field by field (SPEC 11.1). Pure.

`base` is the record as it went out, `ours` as it is here now, `theirs` as it comes back; documents as they are stored
(JSON names), None for a record that is not (or no longer) there. What only one side changed is taken, what both changed
alike is one change, what both changed differently is a conflict: there ours stays, and a person decides.

Lists of contacts, identifiers and addresses are sets by what names an entry, documents inside a record (`extra` of an
appointment) are merged by their own fields. Fields that mean nothing apart (when an appointment is and where, whether a
patient has died) are one field.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

Doc = dict[str, Any]
RECORD = "*"
"""The path of a conflict about the record as a whole: one side removed what the other changed."""


class _Missing:
    """There is no such field or entry; told apart from null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


class Clash(NamedTuple):
    """Both sides changed `path` in different ways. MISSING: it is not there on that side."""

    path: str
    base: Any
    ours: Any
    theirs: Any


class Merged(NamedTuple):
    """`doc`: what the record is here after the merge (None: not there). `taken`: paths in which theirs was taken."""

    doc: Doc | None
    taken: tuple[str, ...]
    clashes: tuple[Clash, ...]


class Form(NamedTuple):
    """How a kind of record merges. `skip`: fields kept by each side for itself. `keyed`: list field → names that name an
    entry. `joined`: name of a field made of several → those."""

    skip: frozenset[str]
    keyed: Mapping[str, tuple[str, ...]] = {}
    joined: Mapping[str, tuple[str, ...]] = {}


_OWN = frozenset({"id", "version"})
_PEOPLE = {"telecom": ("system", "value"), "identifiers": ("system", "value"), "address": ("use",)}
FORMS: Mapping[str, Form] = {
    "Patient": Form(
        _OWN | {"mergedInto", "unconfirmed", "portal"}, _PEOPLE, {"death": ("deceased", "deceasedUndated")}
    ),
    "Treatment": Form(_OWN | {"entered"}),
    "Appointment": Form(
        _OWN | {"created", "updated", "portal", "replaces"},
        joined={
            "time": ("start", "end", "service", "schedules", "bufferBefore", "bufferAfter", "slots"),
            "state": ("status", "cancelReason"),
        },
    ),
    "MedicationStatement": Form(_OWN | {"recordedAt", "recordedBy"}),
    "Risk": Form(_OWN | {"recordedAt", "recordedBy"}),
}
"""Kinds that go out and come back."""


def merge(form: Form, base: Doc | None, ours: Doc | None, theirs: Doc | None) -> Merged:
    """What becomes of one record here."""
    if theirs is None or ours is None:
        return _whole(form, base, ours, theirs)
    b, o, t = (_split(form, one or {}) for one in (base, ours, theirs))
    doc, taken, clashes = _fields(b, o, t, "", frozenset(form.joined))
    return Merged(_kept(form, ours) | _join(form, doc), tuple(taken), tuple(clashes))


def same(form: Form, one: Doc | None, other: Doc | None) -> bool:
    """True if the two say the same, but for what each side keeps for itself and the order of entries."""
    if one is None or other is None:
        return one is other
    return alike(_split(form, one), _split(form, other))


def at(form: Form, doc: Doc | None, path: str) -> Any:
    """What stands at a path now; MISSING where nothing does."""
    if path == RECORD:
        return MISSING if doc is None else doc
    found: Any = _split(form, doc or {})
    for name in _steps(path):
        if not isinstance(found, dict) or name not in found:
            return MISSING
        found = found[name]
    return found


def decide(form: Form, ours: Doc | None, path: str, value: Any) -> Doc | None:
    """Our record with `value` at the path of a conflict; MISSING takes away what stands there. KeyError where the path leads
    nowhere any more."""
    if path == RECORD:
        return None if value is MISSING else dict(value)
    split = _split(form, ours or {})
    *above, last = _steps(path)
    spot: Any = split
    for name in above:
        spot = spot[name]
        if not isinstance(spot, dict):
            raise KeyError(path)
    if value is MISSING:
        spot.pop(last, None)
    else:
        spot[last] = value
    return _kept(form, ours or {}) | _join(form, split)


def _whole(form: Form, base: Doc | None, ours: Doc | None, theirs: Doc | None) -> Merged:
    """One side has no such record (any more)."""
    if base is None:
        return Merged(ours, (), ()) if theirs is None else Merged(theirs, (RECORD,), ())
    if ours is None and theirs is None:
        return Merged(None, (), ())
    if same(form, base, theirs if ours is None else ours):  # taken away on one side, untouched on the other
        return Merged(None, () if ours is None else (RECORD,), ())
    clash = Clash(RECORD, base, MISSING if ours is None else ours, MISSING if theirs is None else theirs)
    return Merged(ours, (), (clash,))


def _fields(
    base: Doc, ours: Doc, theirs: Doc, above: str, whole: frozenset[str]
) -> tuple[Doc, list[str], list[Clash]]:
    """(merged, paths taken, clashes) of one level; fields in `whole` are not looked into."""
    merged: Doc = {}
    taken: list[str] = []
    clashes: list[Clash] = []
    for name in dict.fromkeys((*ours, *theirs, *base)):
        path = above + name.replace("~", "~0").replace("/", "~1")
        b, o, t = (one.get(name, MISSING) for one in (base, ours, theirs))
        value = o
        if alike(o, t) or alike(t, b):
            pass
        elif alike(o, b):
            value = t
            taken.append(path)
        elif name not in whole and isinstance(o, dict) and isinstance(t, dict) and _looks_alike(b):
            inner = {} if b is MISSING else b
            value, more, worse = _fields(inner, o, t, path + "/", frozenset())
            taken += more
            clashes += worse
        else:
            clashes.append(Clash(path, b, o, t))
        if value is not MISSING:
            merged[name] = value
    return merged, taken, clashes


def _looks_alike(base: Any) -> bool:
    """Two documents can be merged by fields where there was one before, or nothing."""
    return base is MISSING or isinstance(base, dict)


def alike(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 is not true there, and an order of fields says nothing."""
    if one is MISSING or other is MISSING:
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(alike, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _steps(path: str) -> list[str]:
    return [name.replace("~1", "/").replace("~0", "~") for name in path.split("/")]


def _kept(form: Form, doc: Doc) -> Doc:
    return {name: value for name, value in doc.items() if name in form.skip}


def _split(form: Form, doc: Doc) -> Doc:
    """The document as it is merged: own fields left out, joined ones together, lists as entries by what names them."""
    inside = {name: whole for whole, names in form.joined.items() for name in names}
    split: Doc = {}
    for name, value in doc.items():
        if name in form.skip:
            continue
        if name in inside:
            split.setdefault(inside[name], {})[name] = value
        elif name in form.keyed:
            split[name] = _entries(value, form.keyed[name])
        else:
            split[name] = value
    return split


def _join(form: Form, split: Doc) -> Doc:
    """A document from what `_split` made of it."""
    doc: Doc = {}
    for name, value in split.items():
        if name in form.keyed:
            doc[name] = list(value.values())
        elif name in form.joined:
            doc.update(value)
        else:
            doc[name] = value
    return doc


def _entries(listed: Sequence[Doc], names: Sequence[str]) -> Doc:
    """Entries by what names them; of several with one name each has its number beside it."""
    found: Doc = {}
    seen: dict[str, int] = {}
    for one in listed:
        key = json.dumps([one.get(name) for name in names], ensure_ascii=False)
        number = seen[key] = seen.get(key, 0) + 1
        found[key if number == 1 else f"{key}#{number}"] = one
    return found
