"""Which practice software an installed ServiceProvider belongs to, where several of them are served on one computer.

Each instance has one of its own or none (seed 003), two of the same product too. The identifier tells them apart first, then
the data path, and the name of the product only where neither says anything.
"""

from collections.abc import Collection, Sequence

from praxisd.services.serviceprovider import places
from praxisd.services.serviceprovider import seen as s
from praxisd.services.serviceprovider.room import Provided, pvs_file
from praxisd.services.serviceprovider.seen import File, Service


def is_foreign(file: File, guid: str, pvs: File, one: Provided, others: Sequence[Provided]) -> bool:
    """True for the installation in the folder of this identifier if it serves one of the others. `file`, `pvs`: the two INI."""
    name = guid.casefold()
    if name == _identifier(pvs):
        return False
    if any(name == _identifier(pvs_file(other)) for other in others):
        return True
    path = file.value(s.DATA_PATH)
    if path and _within(path, one):
        return False
    if path and any(_within(path, other) for other in others):
        return True
    product = file.value(s.PVS_NAME).casefold()
    if product in _names(one):
        return False
    return any(product in _names(other) for other in others)


def services_of(
    found: Sequence[tuple[Service, str]], ours: Collection[str], others: Sequence[Provided]
) -> list[Service] | None:
    """Which of the ServiceProviders that a computer lists are this software's; None where nobody can tell them apart.

    `found`: each with all it says of itself; `ours`: identifiers of this software; `others`: those on the same computer.
    """
    if not others:
        return [one for one, _ in found]
    mine = [one for one, text in found if any(_says(text, name) for name in ours)]
    if mine:
        return mine
    theirs = {_identifier(pvs_file(other)) for other in others}
    left = [one for one, text in found if not any(_says(text, name) for name in theirs)]
    return left if len(left) < 2 else None


def _says(text: str, name: str) -> bool:
    return bool(name) and name.casefold() in text.casefold()


def _identifier(file: File) -> str:
    return file.value(s.IDENTIFIER).casefold()


def _names(one: Provided) -> set[str]:
    return {name.casefold() for name in one.places.pvs_names}


def _within(path: str, one: Provided) -> bool:
    """The path is a software's top folder or lies below it, by its words alone."""
    top = _words(places.top_folder(one.software.data_folder, one.places.data_path))
    return bool(top) and _words(path)[: len(top)] == top


def _words(path: str) -> list[str]:
    return [one.casefold() for one in places.parts(path)]
