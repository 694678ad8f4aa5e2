"""REST operations of the products: which there are, all that is known of one, and the list for its virus scanner."""

from praxisd.kernel.access import INSTALLATION
from praxisd.kernel.errors import not_found
from praxisd.kernel.paper import PDF
from praxisd.kernel.service import Call, Permission, Raw, Route
from praxisd.services.diagnosis import product_sheet, software_store
from praxisd.services.diagnosis import product_view as view
from praxisd.services.diagnosis.product_reading import known
from praxisd.services.diagnosis.product_shapes import Product
from praxisd.services.diagnosis.product_view import ExclusionsOut, ProductList, ProductOut
from praxisd.services.directory import api as directory

READ = "diagnosis.product.read"
_TAGS = ("diagnosis",)


def list_products(call: Call) -> ProductList:
    """All products of practice software that are known here

    Built in, from an update of the data, or from the practice's own files; and what is wrong in files that were left out.
    """
    found = known(call.house)
    with call.read() as tx:
        day = view.today(call.house, tx)
        used = {one.product for one in software_store.software(tx)}
    products = sorted(found.products.values(), key=lambda one: one.name.casefold())
    return ProductList(
        products=tuple(view.entry(one, day, one.id in used) for one in products),
        faults=tuple(view.fault(one, call.house.texts, call.lang) for one in found.faults),
    )


def _one(call: Call) -> Product:
    product = known(call.house).products.get(call.path["id"])
    if product is None:
        raise not_found("Product")
    return product


def get_product(call: Call) -> ProductOut:
    """One product with all its rows

    Requirements, ports, paths for the backup, exclusions, with the source they come from, its history, and what it leaves
    open.
    """
    product = _one(call)
    with call.read() as tx:
        day = view.today(call.house, tx)
        used = any(one.product == product.id for one in software_store.software(tx))
    return view.whole(product, day, used, call.lang)


def print_exclusions(call: Call) -> Raw:
    """The same list on paper

    A4, to be worked through at each computer, ticked off and signed.
    """
    product = _one(call)
    organization = call.actor.organization
    with call.read() as tx:
        practice = None if organization == INSTALLATION else directory.organization(tx)
        name = practice.name if practice else call.house.config.instance
        found = view.excluded(product, view.today(call.house, tx), True, call.lang)
        sheet = product_sheet.exclusions(call.house, tx, found, call.lang, name)
    return sheet.answer(f"{product.id}-exclusions.pdf")


def get_exclusions(call: Call) -> ExclusionsOut:
    """What a virus scanner must leave alone for one product

    Folders and files, and the programs of its Windows services.
    """
    product = _one(call)
    with call.read() as tx:
        day = view.today(call.house, tx)
        used = any(one.product == product.id for one in software_store.software(tx))
    return view.excluded(product, day, used, call.lang)


ROUTES = (
    Route("GET", "/products", "products.list", list_products, READ, answer=ProductList, safe=True, tags=_TAGS),
    Route("GET", "/products/{id}", "product.read", get_product, READ, answer=ProductOut, safe=True, tags=_TAGS),
    Route(
        "GET", "/products/{id}/exclusions", "product.listExclusions", get_exclusions, READ, answer=ExclusionsOut,
        safe=True, tags=_TAGS,
    ),
    Route(
        "GET", "/products/{id}/exclusions.pdf", "product.printExclusions", print_exclusions, READ, media_type=PDF,
        safe=True, tags=_TAGS,
    ),
)  # fmt: skip
PERMISSIONS = (Permission(READ, ("owner", "partner", "desk")),)
