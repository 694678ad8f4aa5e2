"""REST operations about the ServiceProvider. All open their own short transactions: files and addresses are waited for."""

from praxisd import __version__
from praxisd.kernel.access import Kind
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.serviceprovider import installing, looking, repairing, shapes, view

READ, WRITE = "serviceprovider.read", "serviceprovider.write"
_TAGS = ("serviceprovider",)
NAME = "praxisd"


def list_providers(call: Call) -> shapes.ProvidersOut:
    """The ServiceProviders of this installation

    Looked at now: state, version, where they are looked for, both INI files line by line, and what is wrong. Takes some
    seconds at most.
    """
    house = call.house
    found = [view.shown(house.texts, one, call.lang) for one in looking.look(house, passing=True)]
    return shapes.ProvidersOut(providers=found)


def repair(call: Call) -> shapes.RepairedOut:
    """Mend what is wrong in the INI files

    Writes a copy of each file beside it and changes only the lines of this code. The ServiceProvider must be started again
    afterwards.
    """
    body: shapes.RepairIn = call.body
    return repairing.repair(call.house, call.actor, body.software, body.code)


def install(call: Call) -> Answer:
    """Make praxisd the ServiceProvider of a practice software

    Writes the INI file in the data folder first, then its own. Once more for the same software it renews its own and never
    touches the one in the data folder. Not for remote support.
    """
    if call.actor.kind is Kind.SUPPORT:  # remote support does not put praxisd in the place of the vendor's
        raise Problem("access.forbidden", 403, permission=WRITE)
    body: shapes.InstallIn = call.body
    done = installing.install(call.house, call.actor, body.software, body.data_folder, body.replace)
    return Answer(done, status=200 if done.updated else 201)


def about(call: Call) -> shapes.AboutOut:
    """What answers here, for programs that look for a ServiceProvider"""
    state = "safe" if call.house.safe else call.house.state.value
    return shapes.AboutOut(name=NAME, version=__version__, state=state)


def _refused(codes: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    return ((404, "http.not_found"), *((409, code) for code in codes))


ROUTES = (
    Route(
        "GET", "/serviceprovider", "serviceproviders.list", list_providers, READ, answer=shapes.ProvidersOut, safe=True,
        tags=_TAGS,
    ),
    Route(
        "POST", "/serviceprovider/repair", "serviceproviders.repair", repair, WRITE, answer=shapes.RepairedOut,
        body=shapes.RepairIn, problems=_refused(repairing.CODES), transaction=False, safe=True, tags=_TAGS,
    ),
    Route(
        "POST", "/serviceprovider/install", "serviceproviders.install", install, WRITE, answer=shapes.InstalledOut,
        body=shapes.InstallIn, status=201, problems=_refused(installing.CODES), transaction=False, tags=_TAGS,
    ),
    Route(
        "GET", "/serviceprovider/about", "serviceproviders.about", about, None, answer=shapes.AboutOut, root=True, inside=True,
        safe=True,
        why_open="practice software looks for its ServiceProvider without a key; it says name, version and state, no more",
        tags=_TAGS,
    ),
)  # fmt: skip
