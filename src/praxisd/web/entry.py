"""Entry: a declared Route made ready for the door."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Route
from praxisd.web.reading import AnyBody, AnyQuery, BodyReader, QueryReader

API = "/api/v1"
_LONGEST_PATH_VALUE = 512
_PARAMETER = re.compile(r"\{([a-z_]+)\}(.*)")
_query_reader, _body_reader = cache(QueryReader), cache(BodyReader)
"""A reader knows nothing but its type, and looking at a type is most of what a door costs to build."""


class Entry:
    """A Route made ready: full path, readers for query and body, who may come in, and whether maintenance closes it.

    `signed_in` asks for any valid key (on top of that the route's permission, if it has one); `local_free` lets
    callers on this computer in without a key. `inside` ones are not there for guests of the relay. `aside`: it never waits
    behind other requests.
    """

    def __init__(
        self,
        route: Route,
        *,
        signed_in: bool | None = None,
        exempt: bool = False,
        local_free: bool = False,
        aside: bool = False,
    ) -> None:
        self.route = route
        self.path = route.path if route.root else API + route.path
        self.signed_in = route.permission is not None if signed_in is None else signed_in
        self.exempt = exempt or route.exempt
        self.local_free = local_free
        self.aside = aside
        self.inside = route.inside
        self.query = AnyQuery() if route.raw else _query_reader(route.query)
        self.body = AnyBody() if route.raw else _body_reader(route.body)
        self.suffixes: dict[str, str] = {}
        self.template = "/".join(map(self._segment, self.path.split("/")))

    def _segment(self, part: str) -> str:
        """The segment for `Paths`; a fixed ending such as `.ics` is cut off in `path_values`."""
        if "{" not in part:
            return part
        match = _PARAMETER.fullmatch(part)
        if match is None or "{" in match[2]:
            raise ValueError(f"route {self.route.name}: {part!r} is no path segment")
        if match[2]:
            self.suffixes[match[1]] = match[2]
        return f"{{{match[1]}}}"

    def path_values(self, found: Mapping[str, Any]) -> Mapping[str, str]:
        """The path parameters; 404 for what can be no id of ours."""
        for name, value in found.items():
            if (
                "\0" in value
                or len(value) > _LONGEST_PATH_VALUE
                or not value.endswith(self.suffixes.get(name, ""))
            ):
                raise not_found("Path")
        if self.suffixes:
            return {k: v.removesuffix(self.suffixes.get(k, "")) for k, v in found.items()}
        return found
