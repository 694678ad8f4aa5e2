"""REST: loans out and back, what waits for a decision, and on the laptop itself what it is and how it goes back."""

from urllib.parse import unquote

from msgspec import UNSET

from praxisd.kernel.service import Answer, Call, Raw, Route
from praxisd.services.exchange import (
    laptop_lending,
    laptop_opening,
    laptop_returning,
    laptop_sealing,
    laptop_views,
)
from praxisd.services.exchange.laptop_returning import Report
from praxisd.services.exchange.laptop_shapes import (
    ChoiceIn,
    Conflicts,
    LaptopOut,
    LoanIn,
    Loans,
    LoansQuery,
    PackIn,
    Passphrase,
)
from praxisd.services.exchange.merge_rules import MISSING

MEDIA = "application/octet-stream"
USE, SEE = "exchange.loan.use", "exchange.laptop.read"
LOAN_HEADER, PASSPHRASE_HEADER = "X-Praxisd-Loan", "X-Praxisd-Passphrase"
_TAGS = ("laptop",)


def _file(data: bytes, name: str, **headers: str) -> Raw:
    told = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Raw(data, MEDIA, headers=told | headers)


def lend(call: Call) -> Raw:
    """Take patients along on a laptop

    Answers the sealed file; `X-Praxisd-Loan` names the loan. The passphrase is not kept: without it nobody opens the file.
    """
    body: LoanIn = call.body
    made = laptop_lending.lend(
        call.house,
        call.actor,
        body.patients,
        body.label.strip(),
        body.until,
        passphrase=body.passphrase,
        recipient=body.recipient,
    )
    return _file(made.file, f"laptop-{made.loan[-6:]}.age", **{LOAN_HEADER: made.loan})


def propose(_call: Call) -> Answer:
    """A passphrase to use

    Made at random, and kept nowhere.
    """
    return Answer(Passphrase(passphrase=laptop_sealing.propose()), headers={"Cache-Control": "no-store"})


def list_loans(call: Call) -> Loans:
    """Loans, the newest first

    All, or those that one patient went out with.
    """
    with call.read() as tx:
        return Loans(loans=laptop_views.loans(call.house, tx, call.lang, call.query.patient))


def revoke(call: Call) -> Loans:
    """A laptop is lost

    From now on nothing that comes from it is taken. Answers all loans.
    """
    laptop_lending.revoke(call.writing, call.path["id"])
    return Loans(loans=laptop_views.loans(call.house, call.writing, call.lang))


def take_back(call: Call) -> Report:
    """A file from a laptop

    Merged field by field; what both sides changed in different ways waits as a conflict. A file that was taken before
    changes nothing. A passphrase, where the file has one, comes in the header `X-Praxisd-Passphrase`, URI-encoded.
    """
    sent = next((v for k, v in call.headers.items() if k.lower() == PASSPHRASE_HEADER.lower()), "")
    return laptop_returning.take(call.house, call.actor, call.body.read_bytes(), unquote(sent) or None)


def list_conflicts(call: Call) -> Conflicts:
    """What waits for a decision

    What was changed in the practice and on a laptop in different ways, side by side.
    """
    with call.read() as tx:
        return Conflicts(conflicts=laptop_views.conflicts(call.house, tx, call.lang))


def decide(call: Call) -> Conflicts:
    """Decide a conflict

    What is chosen is made as by hand, with the same refusals; then it still waits. Answers what waits on.
    """
    body: ChoiceIn = call.body
    value = MISSING if body.value is UNSET else body.value
    laptop_returning.decide(call.house, call.writing, call.path["id"], body.choice, value)
    return Conflicts(conflicts=laptop_views.conflicts(call.house, call.writing, call.lang))


def read_laptop(call: Call) -> LaptopOut:
    """Is this a laptop?

    With patients on loan, of which practice, and until when.
    """
    with call.read() as tx:
        return laptop_views.laptop(call.house, tx)


def pack(call: Call) -> Raw:
    """On the laptop: what changed, for the practice

    A sealed file; the practice's own key opens it, or the passphrase that was given.
    """
    body: PackIn = call.body
    made = laptop_opening.pack(call.house, call.actor, last=body.last, passphrase=body.passphrase)
    return _file(made.file, f"laptop-{made.number}.age")


def _most(_call: Call) -> int:
    return laptop_sealing.FILE_MOST + 1_048_576


_SEALING = ((422, "exchange.passphrase_weak"), (503, "exchange.sealing_failed"))
_FILE = tuple(
    (422, f"exchange.{one}")
    for one in (
        "file_foreign", "file_damaged", "file_newer", "file_goes_out", "passphrase_missing", "passphrase_wrong",
        "key_wrong", "record_invalid",
    )
) + tuple(
    (409, f"exchange.{one}")
    for one in ("file_other_practice", "loan_unknown", "loan_revoked", "loan_other_laptop", "loan_busy", "laptop_lends_not")
)  # fmt: skip
_DECIDING = (
    (404, "http.not_found"), (409, "exchange.conflict_decided"), (422, "exchange.choice_invalid"),
    (422, "exchange.not_removable"), (423, "seats.locked"), (412, "resource.stale"),
    (409, "calendar.slot_taken"), (409, "calendar.frozen"), (409, "calendar.status_change"),
    (422, "calendar.schedule_unknown"), (422, "calendar.service_unknown"), (422, "calendar.schedule_unfit"),
    (422, "directory.patient_unknown"), (409, "directory.patient_merged"), (422, "directory.text_invalid"),
    (422, "directory.code_invalid"), (422, "directory.birth_date_invalid"), (422, "directory.patient_incomplete"),
    (422, "directory.mandator_unknown"), (422, "directory.treatment_date"), (422, "directory.treatment_reversed"),
    (422, "medication.text_invalid"), (422, "medication.unnamed"), (422, "medication.day_invalid"),
    (422, "medication.days_reversed"),
)  # fmt: skip
ROUTES = (
    Route(
        "POST", "/exchange/loans", "loans.make", lend, USE, media_type=MEDIA, body=LoanIn, transaction=False,
        problems=(
            (409, "exchange.laptop_lends_not"), (403, "exchange.export_masked"),
            (422, "exchange.recipient_invalid"), (422, "exchange.loan_empty"),
            (422, "exchange.loan_days"), (422, "exchange.file_too_large"), (422, "exchange.passphrase_missing"),
            (422, "directory.patient_unknown"), (409, "directory.organization_missing"), *_SEALING,
        ), tags=_TAGS,
    ),
    Route(
        "POST", "/exchange/loans/passphrase", "loans.passphrase", propose, USE, answer=Passphrase, transaction=False,
        tags=_TAGS,
    ),
    Route("GET", "/exchange/loans", "loans.list", list_loans, USE, answer=Loans, query=LoansQuery, tags=_TAGS),
    Route(
        "POST", "/exchange/loans/back", "loans.back", take_back, USE, answer=Report, upload=_most, transaction=False,
        problems=(*_FILE, (503, "exchange.sealing_failed")), tags=_TAGS,
    ),
    Route(
        "POST", "/exchange/loans/{id}/revoke", "loans.revoke", revoke, USE, answer=Loans,
        problems=((404, "http.not_found"),), tags=_TAGS,
    ),
    Route("GET", "/exchange/conflicts", "loanConflicts.list", list_conflicts, USE, answer=Conflicts, tags=_TAGS),
    Route(
        "POST", "/exchange/conflicts/{id}", "loanConflicts.decide", decide, USE, answer=Conflicts, body=ChoiceIn,
        problems=_DECIDING, tags=_TAGS,
    ),
    Route("GET", "/exchange/laptop", "laptop.read", read_laptop, SEE, answer=LaptopOut, tags=_TAGS),
    Route(
        "POST", "/exchange/laptop/pack", "laptop.pack", pack, USE, media_type=MEDIA, body=PackIn, transaction=False,
        problems=((409, "exchange.not_a_laptop"), (403, "exchange.export_masked"), *_SEALING), tags=_TAGS,
    ),
)  # fmt: skip
