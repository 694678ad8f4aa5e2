"""The doors of the data sets: how they stand, their confirmation, full texts."""

from praxisd.kernel.service import Call, Permission, Route
from praxisd.services.medication import sets_texts, sets_view
from praxisd.services.medication.sets_shapes import (
    ConfirmIn,
    PassagesOut,
    SetOut,
    SetsOut,
    TextOut,
    TextQuery,
    TextSearchIn,
)

READ, CONFIRM, PRODUCT = "medication.set.read", "medication.set.confirm", "medication.product.read"
_TAGS = ("medication",)
_SET = ((409, "medication.no_data"), (404, "medication.no_version"))


def list_sets(call: Call) -> SetsOut:
    """How the data sets stand

    Which version of each is in use, how old it is, until when it counts, where it comes from, and whether it is a sample. It
    is installed, and switched back, by the operations of updates under the same name.
    """
    with call.read() as tx:
        return sets_view.shown(call.house, tx, call.lang)


def confirm_set(call: Call) -> SetOut:
    """Confirm what a data set is

    Interactions and contraindications are looked up only after the owner has confirmed the source once. It is asked again for
    another source, and for real data after a sample, not for each edition.
    """
    body: ConfirmIn = call.body
    element = call.path["element"]
    sets_view.confirm(call.house, call.writing, element, body.version)
    return sets_view.one(call.house, call.writing, element, call.lang)  # type: ignore[arg-type]


def get_text(call: Call) -> TextOut:
    """A product's full text

    All sections of its Fachinformation or leaflet, or one section by its number.
    """
    query: TextQuery = call.query
    with call.read() as tx:
        return sets_texts.text(
            call.house, tx, call.path["id"], query.kind, query.section, call.lang, query.version
        )


def search_texts(call: Call) -> PassagesOut:
    """Search the full texts

    Sections with all the words, with the passage; umlauts may be written in either way.
    """
    body: TextSearchIn = call.body
    with call.read() as tx:
        return sets_texts.search(call.house, tx, body.text, body.product, body.limit, call.lang, body.version)


PERMISSIONS = (
    Permission(READ, ("owner", "desk", "partner", "pvs")),
    Permission(CONFIRM, ("owner",)),
)
ROUTES = (
    Route("GET", "/medication/sets", "medicationSets.list", list_sets, READ, answer=SetsOut, tags=_TAGS),
    Route(
        "POST", "/medication/sets/{element}/confirm", "medicationSets.confirm", confirm_set, CONFIRM, answer=SetOut,
        body=ConfirmIn, tags=_TAGS,
        problems=((404, "http.not_found"), (409, "medication.no_data"), (409, "medication.version_changed")),
    ),
    Route(
        "GET", "/medication/products/{id}/text", "medicationText.read", get_text, PRODUCT, answer=TextOut, query=TextQuery,
        problems=((404, "medication.no_text"), *_SET), tags=_TAGS,
    ),
    Route(
        "POST", "/medication/texts/search", "medicationTexts.search", search_texts, PRODUCT, answer=PassagesOut,
        body=TextSearchIn, problems=_SET, transaction=False, tags=_TAGS,
    ),
)  # fmt: skip
