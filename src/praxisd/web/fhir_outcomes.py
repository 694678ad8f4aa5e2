"""Refusals on the FHIR door: Problems as OperationOutcome, in the caller's language and format."""

from praxisd.kernel.errors import Problem
from praxisd.kernel.texts import Texts
from praxisd.model.fhir_bundle import issue, outcome
from praxisd.model.fhir_errors import FhirError
from praxisd.web import problems
from praxisd.web.answers import Sent
from praxisd.web.fhir_formats import MEDIA, Format, written

_TYPES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    406: "not-supported",
    408: "timeout",
    409: "conflict",
    410: "deleted",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "business-rule",
    423: "lock-error",
    429: "throttled",
    431: "too-long",
    503: "transient",
}
"""HTTP status to FHIR issue type (ValueSet issue-type); anything else is `exception`."""


class FhirProblem(Problem):
    """A Problem that knows its FHIR issue type and the place (FHIRPath) in the body."""

    def __init__(self, error: FhirError) -> None:
        super().__init__(error.code, error.http, detail=error.diagnostics or None)
        self.issue_type = error.issue_type
        self.expression = (error.path,) if error.path else ()


def resource_of(problem: Problem, texts: Texts, lang: str) -> dict[str, object]:
    """The OperationOutcome of a Problem: title and cause for people, code and technical detail for programs."""
    parts = []
    for part in ("title", "cause", "solution"):
        key = f"{problem.code}.{part}"
        if texts.has(key):
            parts.append(texts.get(key, lang, **problem.params).rstrip("."))
    return outcome(
        issue(
            problem.code,
            getattr(problem, "issue_type", None) or _TYPES.get(problem.status, "exception"),
            severity="fatal" if problem.status >= 500 and not problem.retry else "error",
            text=". ".join(parts) + "." if parts else problem.code,
            diagnostics=problem.detail,
            expression=getattr(problem, "expression", ()),
        )
    )


def words(form: Format) -> problems.Renderer:
    """How refusals are put into one format."""

    def render(problem: Problem, texts: Texts, lang: str, request_id: str) -> Sent:
        plain = problems.render(problem, texts, lang, request_id)
        body = written(resource_of(problem, texts, lang), form)
        return Sent(problem.status, body, MEDIA[form], plain.headers)

    return render


def information(code: str, text: str) -> dict[str, object]:
    """An OperationOutcome that says something went well."""
    return outcome(issue(code, "informational", severity="information", text=text))
