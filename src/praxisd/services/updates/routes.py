"""REST operations of updates. Updates belong to the installation; whoever may install here does so for all practices.

None writes in a transaction of the door: repositories are waited for, and orders are carried out in threads.
"""

from typing import Any

from praxisd.kernel import events, jobs
from praxisd.kernel.access import INSTALLATION, system
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.service import Answer, Call, Route
from praxisd.kernel.store import Tx
from praxisd.services.updates import (
    downloading,
    ordering,
    places,
    pushing,
    settings,
    shapes,
    store,
    view,
    watching,
    words,
)

READ, WRITE, INSTALL, PUSH = "updates.read", "updates.write", "updates.install", "updates.push"
_TAGS = ("updates",)
_MB = 1_000_000


def get_updates(call: Call) -> shapes.UpdatesOut:
    """How updates stand

    The version that runs, what is subscribed, what was downloaded and waits, the order in progress, and the downloads whose
    notice this user has not seen. Answers during maintenance and in safe mode too.
    """
    if call.house.safe:
        watching.settle(call.house)
    return view.shown(call.house, call.actor, call.lang)


def get_packages(call: Call) -> shapes.PackagesOut:
    """The history of updates

    All versions that were ever seen and what became of them, the latest change first.
    """
    query: shapes.PackagesQuery = call.query
    cursor = query.cursor or ""
    offset = int(cursor) if cursor.isdecimal() and len(cursor) < 10 else 0
    with call.read() as tx:
        found, more = _view(call, tx).history(query.element, offset, query.limit)
    return shapes.PackagesOut(packages=list(found), next=str(offset + len(found)) if more else None)


def _view(call: Call, tx: Tx) -> view.View:
    return view.View(call.house, tx, call.actor, call.lang)


def subscribe(call: Call) -> shapes.ElementOut:
    """Subscribe to an element, or end that

    Newer versions of what is subscribed are downloaded by themselves; they are installed by a person.
    """
    body: shapes.SubscriptionIn = call.body
    choose(call, call.path["element"], body.subscribed)
    with call.read() as tx:
        with store.installation(tx):
            row = store.element(tx, call.path["element"])
        return _view(call, tx).element(row)


def choose(call: Call, element: str, subscribed: bool) -> None:
    """Note who subscribed to what; nothing where it is so already. Problem `http.not_found` for an unknown element."""

    def write(tx: Tx) -> None:
        with store.installation(tx):
            row = store.element(tx, element)
            if row is None:
                raise not_found("Element")
            if bool(row.subscribed) == subscribed:
                return
            changes: dict[str, Any] = {
                "subscribed": int(subscribed), "subscribed_by": tx.actor.label, "subscribed_at": tx.now
            }  # fmt: skip
            store.put_element(tx, **{**row._asdict(), **changes})
            kind = "update.subscribed" if subscribed else "update.unsubscribed"
            events.note(tx, kind, "Element", element, element=element)

    call.house.store.run(call.actor, write)


def check(call: Call) -> Answer:
    """Look for updates now

    Starts the job `updates.download`; its run tells how far it is. In safe mode, where no job runs, the look is made at once.
    What was refused is fetched anew.
    """
    house = call.house
    chosen = settings.chosen(house)
    if not chosen.active:
        raise Problem("updates.switched_off", 409)
    if not chosen.address:
        raise Problem("updates.no_address", 409)
    if places.root(house) is None:
        raise Problem("updates.no_root", 409)
    house.store.run(ordering.here(call.actor), downloading.anew)
    if house.safe:
        downloading.download(house, system("updates.download", INSTALLATION))
        return Answer(shapes.CheckOut(run=""), status=202)
    run = house.store.run(ordering.here(call.actor), lambda tx: jobs.run_now(house, tx, downloading.NAME))
    return Answer(shapes.CheckOut(run=run.id), status=202)


def install(call: Call) -> Answer:
    """Install what was downloaded

    Answers at once with the order; ask for it until it is final. Data sets are switched without a restart. Software is
    checked again, the database is copied, the doors are closed, and the guard stops the server, starts the new version and
    keeps it if it is healthy, or goes back by itself.
    """
    body: shapes.InstallIn = call.body
    id_ = ordering.order(call.house, call.actor, body.packages, body.without_copy)
    return Answer(_order(call, id_), status=202)


def get_order(call: Call) -> shapes.OrderOut:
    """How an order goes

    Answers during maintenance and in safe mode too; while no server runs, the guard says 503 with Retry-After.
    """
    if call.house.safe:
        watching.settle(call.house)
    return _order(call, call.path["id"])


def _order(call: Call, id_: str) -> shapes.OrderOut:
    with call.read() as tx:
        with store.installation(tx):
            row = store.order(tx, id_)
        if row is None:
            raise not_found("Order")
        return _view(call, tx).order(row)


def notice(call: Call) -> shapes.NoticeOut:
    """Note that this user has seen the notice of new downloads"""
    body: shapes.NoticeIn = call.body

    def write(tx: Tx) -> None:
        with store.installation(tx):
            known = {one.id for one in store.packages(tx)}
            store.see(tx, tx.actor.label, [one for one in dict.fromkeys(body.packages) if one in known])

    call.house.store.run(call.actor, write)
    with call.read() as tx:
        return shapes.NoticeOut(news=len(_view(call, tx).news()))


def switch_back(call: Call) -> Answer:
    """Go back to the version before

    A data set at once, praxisd itself through the guard, which checks its health as with an update.
    """
    body: shapes.SwitchBackIn = call.body
    id_ = ordering.switch_back(call.house, call.actor, body.element)
    return Answer(_order(call, id_), status=202)


def most(call: Call) -> int:
    """How long a pushed file may be. Bytes."""
    return settings.chosen(call.house).push_mb * _MB


def push(call: Call) -> Answer:
    """Bring a signed package

    The body is a ZIP file with the folders `metadata` and `targets` of a signed repository. What is in it is verified like a
    download and waits; only a person, or a person's standing order, installs it.
    """
    house = call.house
    ids = pushing.take(house, ordering.here(call.actor), call.body)
    ordering.standing(house, settings.chosen(house).standing)
    with call.read() as tx:
        return Answer(shapes.PackagesOut(packages=_view(call, tx).named(ids)), status=201)


def _write(method: str, path: str, name: str, call: Any, permission: str, **more: Any) -> Route:
    return Route(method, path, name, call, permission, transaction=False, safe=True, tags=_TAGS, **more)


_GONE, _BUSY, _NO_GUARD = (404, "http.not_found"), (409, "updates.busy"), (409, "updates.no_guard")
_ROOT = (409, "updates.no_root")
_OPEN: dict[str, Any] = {"exempt": True, "safe": True, "tags": _TAGS}
ROUTES = (
    Route("GET", "/updates", "updates.read", get_updates, READ, answer=shapes.UpdatesOut, **_OPEN),
    Route(
        "GET", "/updates/packages", "updates.history", get_packages, READ, answer=shapes.PackagesOut,
        query=shapes.PackagesQuery, safe=True, tags=_TAGS,
    ),
    _write(
        "PUT", "/updates/subscriptions/{element}", "updates.subscribe", subscribe, WRITE,
        answer=shapes.ElementOut, body=shapes.SubscriptionIn, problems=(_GONE,),
    ),
    _write(
        "POST", "/updates/check", "updates.check", check, WRITE, answer=shapes.CheckOut, status=202,
        problems=(
            (409, "updates.switched_off"), (409, "updates.no_address"), _ROOT, (409, "jobs.already_running"),
            *words.REFUSED,
        ),
    ),
    _write(
        "POST", "/updates/install", "updates.install", install, INSTALL, answer=shapes.OrderOut, status=202,
        body=shapes.InstallIn,
        problems=(_GONE, _BUSY, _NO_GUARD, (409, "updates.not_waiting"), (422, "updates.too_many")),
    ),
    Route(
        "GET", "/updates/orders/{id}", "updates.readOrder", get_order, READ, answer=shapes.OrderOut,
        problems=(_GONE,), **_OPEN,
    ),
    _write(
        "POST", "/updates/notice", "updates.notice", notice, READ, answer=shapes.NoticeOut, body=shapes.NoticeIn
    ),
    _write(
        "POST", "/updates/switch-back", "updates.switchBack", switch_back, INSTALL, answer=shapes.OrderOut,
        status=202, body=shapes.SwitchBackIn,
        problems=(_GONE, _BUSY, _NO_GUARD, (409, "updates.nothing_before"), (409, "updates.unusable")),
    ),
    _write(
        "POST", "/updates/packages", "updates.push", push, PUSH, answer=shapes.PackagesOut, status=201, upload=most,
        problems=((422, "updates.push_malformed"), (422, "updates.push_empty"), _ROOT, *words.REFUSED),
    ),
)  # fmt: skip
