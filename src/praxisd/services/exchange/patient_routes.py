"""REST and command: the export of one patient."""

import base64
from typing import TYPE_CHECKING, Any

from praxisd.kernel.control import actor
from praxisd.kernel.service import Call, Operation, Raw, Route
from praxisd.kernel.texts import FIRST
from praxisd.services.exchange import patient_export

if TYPE_CHECKING:
    from praxisd.kernel.app import House

USE = "exchange.patient.export"


def export(call: Call) -> Raw:
    """All about one patient

    A ZIP for a request under Art. 15 GDPR: a PDF to read, FHIR to take along, every row, and who saw or changed the record.
    That it was made is kept as evidence.
    """
    made = patient_export.export(call.house, call.actor, call.path["id"], call.lang)
    headers = {"Content-Disposition": 'attachment; filename="patient.zip"', "Cache-Control": "no-store"}
    return Raw(made, patient_export.MEDIA, headers=headers)


def command(house: "House", args: dict[str, Any]) -> dict[str, Any]:
    """For `praxisd export patient`: the ZIP as base64."""
    who = actor(house, args)
    made = patient_export.export(house, who, str(args["patient"]), str(args.get("lang") or FIRST))
    return {"patient": args["patient"], "bytes": len(made), "file": base64.b64encode(made).decode()}


ROUTES = (
    Route(
        "POST", "/exchange/patients/{id}/export", "patientExports.make", export, USE, media_type=patient_export.MEDIA,
        transaction=False, problems=((404, "http.not_found"), (403, "exchange.export_masked")), tags=("patients",),
    ),
)  # fmt: skip
OPERATIONS = (Operation("exchange.patient_export", command, offline=True),)
