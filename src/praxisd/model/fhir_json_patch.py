"""JSON Patch (RFC 6902) with JSON Pointer (RFC 6901) over plain dicts, for application/json-patch+json.

Own and small, because the answer must also say which top-level elements were touched. As with FHIRPath Patch
the result is not checked here: the caller runs `check` afterwards.
"""

import copy
import re
from typing import Any

import msgspec

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_patch import MAX_OPERATIONS, prune
from praxisd.model.fhir_shapes import load_json

_INDEX = re.compile(r"0|[1-9][0-9]{0,6}")
_BAD_ESCAPE = re.compile(r"~(?![01])")
_FORBIDDEN = frozenset({"id", "resourceType"})


def parse_json_patch(data: bytes) -> list[dict[str, Any]]:
    """Decode a patch document; raises FhirError (fhir.syntax, fhir.patch_value)."""
    try:
        operations = load_json(data)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as wrong:
        raise FhirError("fhir.syntax", "", "the body is not valid JSON in UTF-8") from wrong
    if not isinstance(operations, list) or not operations or len(operations) > MAX_OPERATIONS:
        raise FhirError("fhir.patch_value", "", f"expected an array of 1 to {MAX_OPERATIONS} operations")
    return operations


def apply_json_patch(
    resource: dict[str, Any], operations: list[dict[str, Any]]
) -> tuple[dict[str, Any], frozenset[str]]:
    """Apply all operations in order, or none; returns the new resource and the touched top-level elements.

    An extension of a primitive counts as its element (`_priority` → `priority`). Raises FhirError:
    fhir.patch_path, fhir.patch_value, and fhir.patch_test (a `test` that does not hold, http 422).
    """
    result = copy.deepcopy(resource)
    touched: set[str] = set()
    for number, operation in enumerate(operations):
        where = f"[{number}]"
        if not isinstance(operation, dict):
            raise FhirError("fhir.patch_value", where, "an operation is an object")
        kind = operation.get("op")
        path = _pointer(operation.get("path"), f"{where}.path")
        if kind in ("move", "copy"):
            source = _pointer(operation.get("from"), f"{where}.from")
            if kind == "move" and path[: len(source)] == source and path != source:
                raise FhirError("fhir.patch_path", where, "an element cannot be moved into itself")
            value = copy.deepcopy(_get(result, source, where))
            if kind == "move":
                touched.add(_top(source, where))
                _remove(result, source, where)
            touched.add(_top(path, where))
            _add(result, path, value, where)
            continue
        if kind in ("add", "replace", "test") and "value" not in operation:
            raise FhirError("fhir.patch_value", where, "the value is missing")
        if kind == "test":
            if not _equal(_get(result, path, where), operation["value"]):
                raise FhirError("fhir.patch_test", where, "the tested element has another value", http=422)
            continue
        touched.add(_top(path, where))
        if kind == "add":
            _add(result, path, copy.deepcopy(operation["value"]), where)
        elif kind == "remove":
            _remove(result, path, where)
        elif kind == "replace":
            _get(result, path, where)
            owner = _get(result, path[:-1], where)
            owner[int(path[-1]) if isinstance(owner, list) else path[-1]] = copy.deepcopy(operation["value"])
        else:
            raise FhirError("fhir.patch_value", where, "op must be add, remove, replace, move, copy or test")
    prune(result)
    return result, frozenset(touched)


def _pointer(text: Any, where: str) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")) or _BAD_ESCAPE.search(text):
        raise FhirError("fhir.patch_path", where, "not a JSON Pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _top(path: list[str], where: str) -> str:
    name = path[0].removeprefix("_") if path else "resourceType"
    if name in _FORBIDDEN:
        raise FhirError("fhir.patch_path", where, "the identity of a resource cannot be patched")
    return name


def _index(text: str, length: int, where: str) -> int:
    if not _INDEX.fullmatch(text) or int(text) >= length:
        raise FhirError("fhir.patch_path", where, "the path leads outside a list")
    return int(text)


def _get(value: Any, path: list[str], where: str) -> Any:
    for part in path:
        if isinstance(value, list):
            value = value[_index(part, len(value), where)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            raise FhirError("fhir.patch_path", where, "the path does not exist")
    return value


def _add(result: Any, path: list[str], value: Any, where: str) -> None:
    owner = _get(result, path[:-1], where)
    if isinstance(owner, list):
        owner.insert(len(owner) if path[-1] == "-" else _index(path[-1], len(owner) + 1, where), value)
    elif isinstance(owner, dict):
        owner[path[-1]] = value
    else:
        raise FhirError("fhir.patch_path", where, "the path leads into a primitive")


def _remove(result: Any, path: list[str], where: str) -> None:
    owner = _get(result, path[:-1], where)
    _get(owner, path[-1:], where)
    del owner[int(path[-1]) if isinstance(owner, list) else path[-1]]


def _equal(left: Any, right: Any) -> bool:
    """JSON equality: true is not 1, 1.0 is 1, order matters in lists only."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
