"""Building answers of the FHIR door: searchset Bundles and OperationOutcomes, as plain dicts."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from praxisd.model.fhir_errors import FhirError

PROBLEM_SYSTEM = "https://praxisd.org/fhir/CodeSystem/problem"
Severity = Literal["fatal", "error", "warning", "information"]


def searchset(
    matches: Iterable[dict[str, Any]],
    *,
    base: str,
    self_url: str,
    next_url: str | None = None,
    total: int | None = None,
    included: Iterable[dict[str, Any]] = (),
    outcome: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A searchset Bundle. `base` is our FHIR address without a slash at the end; `total` counts matches on
    all pages.

    `included` are resources of _include and _revinclude: each comes once, and never one that is a match
    already. `outcome` is an OperationOutcome about the search itself (unknown parameters).
    """
    links = [{"relation": "self", "url": self_url}]
    if next_url is not None:
        links.append({"relation": "next", "url": next_url})
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
    if total is not None:
        bundle["total"] = total
    bundle["link"] = links
    entries = [_entry(resource, base, "match") for resource in matches]
    present = {entry["fullUrl"] for entry in entries if "fullUrl" in entry}
    for resource in included:
        entry = _entry(resource, base, "include")
        if entry.get("fullUrl") not in present:
            present.add(entry.get("fullUrl"))
            entries.append(entry)
    if outcome is not None:
        entries.append(_entry(outcome, base, "outcome"))
    if entries:  # FHIR forbids empty arrays
        bundle["entry"] = entries
    return bundle


def _entry(resource: dict[str, Any], base: str, mode: str) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if "id" in resource:
        entry["fullUrl"] = f"{base}/{resource['resourceType']}/{resource['id']}"
    entry["resource"] = resource
    entry["search"] = {"mode": mode}
    return entry


def issue(
    code: str,
    issue_type: str,
    *,
    severity: Severity = "error",
    text: str | None = None,
    diagnostics: str | None = None,
    expression: Sequence[str] = (),
) -> dict[str, Any]:
    """One OperationOutcome.issue: `code` is our stable code, `issue_type` FHIR's (ValueSet issue-type),
    `text` for people.
    """
    details: dict[str, Any] = {"coding": [{"system": PROBLEM_SYSTEM, "code": code}]}
    if text:
        details["text"] = text
    built: dict[str, Any] = {"severity": severity, "code": issue_type, "details": details}
    if diagnostics:
        built["diagnostics"] = diagnostics
    if expression:
        built["expression"] = list(expression)
    return built


def outcome(*issues: dict[str, Any]) -> dict[str, Any]:
    """An OperationOutcome of one or more issues."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def outcome_of(error: FhirError, text: str | None = None) -> dict[str, Any]:
    """The OperationOutcome for a FhirError."""
    place = [error.path] if error.path else []
    return outcome(
        issue(
            error.code, error.issue_type, text=text, diagnostics=error.diagnostics or None, expression=place
        )
    )


def unknown_parameters(names: Iterable[str]) -> dict[str, Any] | None:
    """The warning that goes into a lenient search's Bundle; None when every parameter was known."""
    issues = [
        issue(
            "fhir.unknown_parameter",
            "not-supported",
            severity="warning",
            diagnostics="this search parameter was ignored",
            expression=[f"http.{name[:64]}"],
        )
        for name in names
    ]
    return outcome(*issues) if issues else None
