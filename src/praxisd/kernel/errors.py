"""Problem: the one exception that becomes problem+json, an OperationOutcome or an Issue."""


class Problem(Exception):
    """A refusal or failure with a stable code.

    `code` is `<service or kernel part>.<snake_case>` and never renamed; texts live under
    `<code>.title|cause|solution`. `status` is the HTTP status of the REST door (a FHIR door may map it).
    `retry` says whether the same request may succeed later without change: every failure of the outside
    world is temporary or permanent, one bit. `params` fill the placeholders of the texts and must never
    carry patient data; `detail` is a technical addition for integrators (a path, a limit), same rule.
    """

    def __init__(
        self,
        code: str,
        status: int = 400,
        *,
        retry: bool = False,
        detail: str | None = None,
        headers: dict[str, str] | None = None,
        **params: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.retry = retry
        self.detail = detail
        self.headers = headers or {}
        self.params = params


def not_found(kind: str) -> Problem:
    """404 for an id that is unknown, or that the caller may not know of: the two look alike on purpose."""
    return Problem("http.not_found", 404, kind=kind)
