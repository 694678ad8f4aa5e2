"""What `praxisd products …` and `praxisd software …` do. The installation's: no practice has to be named. JSON in and out."""

from typing import TYPE_CHECKING, Any

import msgspec

from praxisd.kernel.access import INSTALLATION, Actor, Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Operation
from praxisd.services.diagnosis import product_view as view
from praxisd.services.diagnosis import software_keeping as keeping
from praxisd.services.diagnosis import software_store
from praxisd.services.diagnosis.product_reading import known, products
from praxisd.services.diagnosis.software_routes import shown
from praxisd.services.diagnosis.software_shapes import SoftwareIn

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Args = dict[str, Any]
CLI = Actor(Kind.CLI, "cli", INSTALLATION, everything=True)


def _lang(args: Args) -> str:
    return str(args.get("lang") or "de")


def _built(struct: msgspec.Struct) -> Args:
    found: Args = msgspec.to_builtins(struct)
    return found


def list_products(house: "House", args: Args) -> Args:
    """All products, and the faults of files that were left out."""
    found = known(house)
    with house.store.read(CLI) as tx:
        day = view.today(house, tx)
        used = {one.product for one in software_store.software(tx)}
    ordered = sorted(found.products.values(), key=lambda one: one.name.casefold())
    return {
        "products": [_built(view.entry(one, day, one.id in used)) for one in ordered],
        "faults": [_built(view.fault(one, house.texts, _lang(args))) for one in found.faults],
    }


def show_product(house: "House", args: Args) -> Args:
    """One with all its rows. Problem `control.unknown_name`."""
    product = products(house).get(str(args.get("product")))
    if product is None:
        raise Problem("control.unknown_name", 404, name=str(args.get("product")))
    with house.store.read(CLI) as tx:
        day = view.today(house, tx)
        used = any(one.product == product.id for one in software_store.software(tx))
    return _built(view.whole(product, day, used, _lang(args)))


def list_software(house: "House", _args: Args) -> Args:
    """The practice's software."""
    named = products(house)
    with house.store.read(CLI) as tx:
        return {"software": [_built(shown(one, named)) for one in software_store.software(tx)]}


def add_software(house: "House", args: Args) -> Args:
    """One more. Problems `diagnosis.product_unknown`, `control.bad_arguments`."""
    try:
        given = msgspec.convert(args.get("software"), SoftwareIn, strict=True)
    except msgspec.ValidationError as error:
        raise Problem("control.bad_arguments", 400, detail=str(error)) from None
    made = house.store.run(CLI, lambda tx: keeping.add(house, tx, given))
    return _built(shown(made, products(house)))


def remove_software(house: "House", args: Args) -> Args:
    """Take one away. Problem `http.not_found`."""
    id_ = str(args.get("id"))
    house.store.run(CLI, lambda tx: keeping.remove(tx, id_))
    return {"id": id_}


OPERATIONS = (
    Operation("diagnosis.products", list_products, offline=True),
    Operation("diagnosis.product", show_product, offline=True),
    Operation("diagnosis.software", list_software, offline=True),
    Operation("diagnosis.software_add", add_software, offline=True),
    Operation("diagnosis.software_remove", remove_software, offline=True),
)
