"""Readers for what a request carries: query strings and JSON bodies become the declared structs, or a 400 that says where."""

import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from praxisd.kernel.errors import Problem
from praxisd.web.request import Request

SAFE_INT = 2**53 - 1
"""Integers beyond this are refused: JSON's numbers are not exact there (RFC 8259 § 6), and databases overflow."""
_VALUE = re.compile(r"Invalid enum value .*?(?= - at |$)", re.DOTALL)
_SUSPECT = re.compile(rb"\\u0000|[0-9]{16}")
_MAX_PARAMETERS = 64
_KEPT_QUERIES, _KEPT_LENGTH = 128, 512


class QueryReader:
    """Turns a query string into the route's query struct; lists come from repeated parameters."""

    def __init__(self, type_: type | None) -> None:
        self._type = type_
        fields = msgspec.structs.fields(type_) if type_ is not None else ()
        self._names = {f.encode_name for f in fields}
        self._lists = {f.encode_name for f in fields if _is_list(f.type)}
        self._ints = [f.name for f in fields if _has_int(f.type)]
        frozen = type_ is not None and issubclass(type_, msgspec.Struct) and type_.__struct_config__.frozen
        self._read = lru_cache(maxsize=_KEPT_QUERIES)(self._convert) if frozen else self._convert

    def read(self, query: bytes) -> Any:
        """The struct (None where a route takes no query); a frozen one is kept for clients that ask the same again.

        Raises 400 with `http.malformed_query`, `http.unknown_parameter`, `http.repeated_parameter`, `http.invalid_parameter`.
        """
        if not query and self._type is None:
            return None
        return self._read(query) if len(query) < _KEPT_LENGTH else self._convert(query)

    def _convert(self, query: bytes) -> Any:
        values: dict[str, Any] = {}
        for name, value in _pairs(query):
            if name not in self._names:
                raise Problem("http.unknown_parameter", 400, parameter=name[:64])
            if "\0" in value:
                raise Problem("http.invalid_parameter", 400, detail=f"NUL - at `$.{name}`")
            if name in self._lists:
                values.setdefault(name, []).append(value)
            elif name in values:
                raise Problem("http.repeated_parameter", 400, parameter=name)
            else:
                values[name] = value
        if self._type is None:
            return None
        try:
            found: Any = msgspec.convert(values, self._type, strict=False)
        except msgspec.ValidationError as error:
            raise Problem("http.invalid_parameter", 400, detail=explain(error)) from None
        for name in self._ints:
            value = getattr(found, name)
            if isinstance(value, int) and abs(value) > SAFE_INT:
                raise Problem(
                    "http.invalid_parameter", 400, detail=f"Expected a smaller `int` - at `$.{name}`"
                )
        return found


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(query),
            errors="strict",
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError:  # also UnicodeDecodeError: neither percent-encoded UTF-8 nor name=value pairs
        raise Problem("http.malformed_query", 400) from None


def _is_list(type_: Any) -> bool:
    origin = getattr(type_, "__origin__", type_)
    arguments = getattr(type_, "__args__", ())
    return origin in (list, tuple, set, frozenset) or any(
        _is_list(a) for a in arguments if a is not type(None)
    )


def _has_int(type_: Any) -> bool:
    return type_ is int or any(_has_int(a) for a in getattr(type_, "__args__", ()))


class BodyReader:
    """Turns JSON bytes into the route's body struct; unknown fields are refused by the struct itself."""

    def __init__(self, type_: type | None) -> None:
        self._type = type_
        self._decoder: Any = None if type_ is None else msgspec.json.Decoder(type_)
        fields = (
            msgspec.structs.fields(type_) if type_ is not None and issubclass(type_, msgspec.Struct) else ()
        )
        self._optional = type_ is not None and not any(f.required for f in fields)
        self._shape = None if type_ is None else msgspec.inspect.type_info(type_)
        self._lenient = self._shape is not None and _lenient(self._shape, set())

    @property
    def needed(self) -> bool:
        """True if a request without a body would be refused."""
        return self._type is not None and not self._optional

    def check_type(self, request: Request, content: bytes) -> None:
        """Refuse what is not plain JSON with `http.unsupported_media_type` (415)."""
        if not content:
            return
        encoding = request.header(b"content-encoding")
        media, _, parameters = (request.header(b"content-type") or "").partition(";")
        charset = parameters.strip().lower().replace('"', "")
        wanted = {"application/json"} | (
            {"application/merge-patch+json"} if request.method == "PATCH" else set()
        )
        if (
            media.strip().lower() not in wanted
            or (encoding or "identity").lower() != "identity"
            or (charset.startswith("charset=") and charset not in ("charset=utf-8", "charset=us-ascii"))
        ):
            raise Problem("http.unsupported_media_type", 415)

    def read(self, content: bytes) -> Any:
        """The struct, None where a route takes no body.

        Raises 400: `http.malformed_json` for what is no JSON, `http.invalid_body` with the JSON path for what is not
        the declared shape (unknown fields, NUL characters and integers beyond 2^53 included).
        """
        if self._decoder is None:
            if content.strip() not in (b"", b"{}"):
                raise Problem("http.invalid_body", 400, detail="Expected no body - at `$`")
            return None
        if not content and self._optional:
            content = b"{}"
        try:
            if _SUSPECT.search(content):
                _check_values(msgspec.json.decode(content), "$")
            found = self._decoder.decode(content)
            if self._lenient:
                _refuse_unknown(msgspec.json.decode(content), self._shape, "$")
            return found
        except msgspec.ValidationError as error:
            raise Problem("http.invalid_body", 400, detail=explain(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Problem("http.malformed_json", 400) from None


def _parts(shape: Any) -> tuple[Any, ...]:
    """The shapes directly inside a shape."""
    if isinstance(shape, msgspec.inspect.StructType):
        return tuple(f.type for f in shape.fields)
    single = (getattr(shape, name, None) for name in ("item_type", "value_type"))
    several = (getattr(shape, name, ()) for name in ("item_types", "types"))
    return (*(one for one in single if one is not None), *(one for many in several for one in many))


def _lenient(shape: Any, seen: set[Any]) -> bool:
    """True if a struct inside would let unknown fields pass: the model's records must, for newer ones to be read."""
    if isinstance(shape, msgspec.inspect.StructType):
        if shape.cls in seen:
            return False
        seen.add(shape.cls)
        if not shape.forbid_unknown_fields:
            return True
    return any(_lenient(one, seen) for one in _parts(shape))


def _refuse_unknown(value: Any, shape: Any, path: str) -> None:
    """Raise `http.invalid_body` for a field that no struct at its place knows. `value` has passed the decoder."""
    if isinstance(value, dict):
        for one in _structs(shape, value):
            known: dict[str, Any] = {f.encode_name: f.type for f in one.fields}
            if one.tag_field is not None:
                known[one.tag_field] = None
            for name, inner in value.items():
                if name not in known:
                    detail = f"Object contains unknown field `{name[:64]}` - at `{path}`"
                    raise Problem("http.invalid_body", 400, detail=detail)
                _refuse_unknown(inner, known[name], f"{path}.{name}")
        for option in getattr(shape, "types", (shape,)):
            if isinstance(option, msgspec.inspect.DictType):
                for name, inner in value.items():
                    _refuse_unknown(inner, option.value_type, f"{path}.{name[:40]}")
    elif isinstance(value, list):
        options = getattr(shape, "types", (shape,))
        for option in options:
            for one in _parts(option) if not isinstance(option, msgspec.inspect.StructType) else ():
                for inner in value:
                    _refuse_unknown(inner, one, f"{path}[...]")


def _structs(shape: Any, value: dict[str, Any]) -> list[msgspec.inspect.StructType]:
    """The struct a JSON object was read as; among several, the one its tag names."""
    options = getattr(shape, "types", (shape,))
    found = [one for one in options if isinstance(one, msgspec.inspect.StructType)]
    tagged = [one for one in found if one.tag_field is not None and value.get(one.tag_field) == one.tag]
    return tagged or found[:1]


def explain(error: msgspec.ValidationError) -> str:
    """Where and what, in the reader's words but without the value that was sent."""
    return _VALUE.sub("Invalid value", str(error))[:300]


def _check_values(value: Any, path: str) -> None:
    """Refuse characters no database keeps and numbers no JSON reader agrees on."""
    if isinstance(value, str):
        if "\0" in value:
            raise Problem("http.invalid_body", 400, detail=f"NUL character - at `{path}`")
    elif isinstance(value, bool | None):
        return
    elif isinstance(value, int):
        if abs(value) > SAFE_INT:
            raise Problem("http.invalid_body", 400, detail=f"Expected a smaller `int` - at `{path}`")
    elif isinstance(value, dict):
        for name, one in value.items():
            if "\0" in name:
                raise Problem("http.invalid_body", 400, detail=f"NUL character - at `{path}`")
            _check_values(one, f"{path}.{name[:40]}")
    elif isinstance(value, list):
        for one in value:
            _check_values(one, f"{path}[...]")


class AnyQuery(QueryReader):
    """The query string of a foreign program as it is: the last value of each name; what is no text is left out."""

    def __init__(self) -> None:
        super().__init__(None)

    def read(self, query: bytes) -> dict[str, str]:
        """Names and values; raises `http.malformed_query` (400) only for far too many."""
        try:
            pairs = parse_qsl(
                query.decode("ascii", "ignore"), keep_blank_values=True, max_num_fields=_MAX_PARAMETERS
            )
        except ValueError:
            raise Problem("http.malformed_query", 400) from None
        return {name: value for name, value in pairs if "\0" not in name + value}


class AnyBody(BodyReader):
    """The body of a foreign program as bytes, whatever it is; only its size is limited."""

    def __init__(self) -> None:
        super().__init__(None)

    def check_type(self, request: Request, content: bytes) -> None:
        """Anything goes."""

    def read(self, content: bytes) -> bytes:
        """The bytes."""
        return content
