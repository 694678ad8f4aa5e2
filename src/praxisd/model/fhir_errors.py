"""What can be wrong with a FHIR R4 body, path or query: one exception with a stable code.

This is a plain exception, not a kernel Problem: the vocabulary knows no doors. The FHIR door turns it into an
OperationOutcome (`fhir_bundle.outcome_of`), an importer into a line of its report.
"""

# Codes are stable for machines (SPEC 14); the value is the FHIR issue type that fits (ValueSet issue-type).
ISSUE_TYPES: dict[str, str] = {
    "fhir.syntax": "structure",
    "fhir.too_deep": "structure",
    "fhir.invalid": "value",
    "fhir.required": "required",
    "fhir.unknown_type": "not-supported",
    "fhir.wrong_type": "structure",
    "fhir.unknown_element": "structure",
    "fhir.patch_path": "not-supported",
    "fhir.patch_value": "value",
    "fhir.patch_test": "conflict",
    "fhir.search_value": "value",
    "fhir.search_modifier": "not-supported",
    "fhir.unknown_parameter": "not-supported",
}


class FhirError(Exception):
    """A FHIR text that cannot be accepted.

    `code` is one of ISSUE_TYPES, `path` a FHIRPath-like place ("Appointment.participant[0].status", "" when
    there is none), `diagnostics` an English sentence for developers. The sentence never quotes text of the
    body, because it may end in a log: bodies hold patient data. `http` is the status for a door (400 unless
    said otherwise).
    """

    def __init__(self, code: str, path: str = "", diagnostics: str = "", http: int = 400) -> None:
        super().__init__(code, path, diagnostics)
        self.code = code
        self.path = path
        self.diagnostics = diagnostics
        self.http = http

    @property
    def issue_type(self) -> str:
        """FHIR issue type for OperationOutcome.issue.code."""
        return ISSUE_TYPES.get(self.code, "invalid")

    def __str__(self) -> str:
        where = f" at {self.path}" if self.path else ""
        return f"{self.code}{where}: {self.diagnostics}"
