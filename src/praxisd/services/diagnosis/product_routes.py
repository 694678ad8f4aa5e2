"""REST operations of the products: which there are, all that is known of one, and the list for its virus scanner."""

from praxisd.kernel.errors import not_found
from praxisd.kernel.service import Call, Permission, Route
from praxisd.services.diagnosis import product_view as view
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.product_reading import known
from praxisd.services.diagnosis.product_shapes import Product
from praxisd.services.diagnosis.product_view import ExclusionsOut, ProductList, ProductOut

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
    Route("GET", "/products", "products.list", list_products, READ, answer=ProductList, tags=_TAGS),
    Route("GET", "/products/{id}", "product.read", get_product, READ, answer=ProductOut, tags=_TAGS),
    Route("GET", "/products/{id}/exclusions", "product.listExclusions", get_exclusions, READ, answer=ExclusionsOut, tags=_TAGS),
)  # fmt: skip
PERMISSIONS = (Permission(READ, ("owner", "partner", "desk")),)
