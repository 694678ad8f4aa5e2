"""The doors of the search: products while typing, and one product."""

from praxisd.kernel.service import Call, Permission, Route
from praxisd.services.medication import finding
from praxisd.services.medication.finding_shapes import FoundOut, ProductOut, SearchIn, SetQuery

READ = "medication.product.read"
_TAGS = ("medication",)
_SET = ((409, "medication.no_data"), (404, "medication.no_version"))


def search_products(call: Call) -> FoundOut:
    """Search products while typing

    By name, substance, PZN, what a scanner reads, or ATC code; typing errors and umlauts are forgiven. Each result says how it
    was found: `similar` is another name than was typed. All results are of the edition that `standing` tells. Right after
    another edition is taken into use `preparing` may be true for some seconds: then typing errors are not forgiven yet.
    """
    body: SearchIn = call.body
    at = finding.ready(call.house, body.version)
    with call.read() as tx:
        return finding.answer(call.house, tx, at, body.text, body.limit, call.lang)


def get_product(call: Call) -> ProductOut:
    """One product with its packages, substances and notes for dentists."""
    query: SetQuery = call.query
    return finding.product(call.house, call.path["id"], call.lang, query.version)


PERMISSIONS = (Permission(READ, ("owner", "desk", "partner", "pvs")),)
ROUTES = (
    Route(
        "POST", "/medication/search", "medication.search", search_products, READ, FoundOut, body=SearchIn, transaction=False,
        problems=(*_SET, (503, "medication.index_failed")), tags=_TAGS,
    ),
    Route(
        "GET", "/medication/products/{id}", "medicationProduct.get", get_product, READ, ProductOut, query=SetQuery,
        problems=((404, "medication.no_product"), *_SET), tags=_TAGS,
    ),
)  # fmt: skip
