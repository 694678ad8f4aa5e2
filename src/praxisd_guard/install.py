"""Carrying out an order that changes the version: every step may be cut off anywhere, `recover` goes on from there.

install: accepted → unpacked → stopped → expanded → switched → started → healthy → kept. switch_back needs no unpacking
and no migration: the version before ran on a schema that has only grown since. Up to `stopped` an order can be refused
and nothing has happened; after it, it is kept or taken back. `unpacked` says that nothing is waited for any more but the
server's own doors (`Order.hold_s`).
"""

import time
from pathlib import Path

from praxisd_guard import install_migrate, journal, orders, package, versions
from praxisd_guard.child_logs import new_log
from praxisd_guard.install_prepare import Refused, Verify, clear, copied, judged, refusal, unpacked
from praxisd_guard.install_state import Plan, Work
from praxisd_guard.install_trust import trusted
from praxisd_guard.keeper_host import Ending, Failure, Host
from praxisd_guard.orders import Order
from praxisd_guard.places import Places

BUSY_S = 15 * 60
"""So long one waits for a backup or another run of the server that must not be cut. Seconds."""
_LOOK_S = 1.0
_HOLD_LOOK_S = 0.05


def run(home: Path, order: Order, host: Host, verify: Verify = trusted, busy_s: float = BUSY_S) -> None:
    """Carry out an order of kind `install` or `switch_back`, from its first journal line to its last.

    Whatever happens, a server runs afterwards as well as before, or the keeper finds none and starts one by its own
    rules. Raises `keeper_host.Ending` and leaves the order to `recover`.
    """
    try:
        plan = _prepare(home, order, host, verify, busy_s)
    except Ending:
        raise
    except Refused as refused:
        _refuse(home, order, refused, host)
    except OSError as error:
        _refuse(home, order, refusal(error), host)
    except Exception as error:  # not foreseen; the order must end all the same
        _refuse(home, order, Refused("guard.fault", f"{type(error).__name__}: {error}"), host)
    else:
        carry_out(Work(home, plan, host))


def carry_out(work: Work) -> bool:
    """From stopping on. True when a server runs now."""
    work.host.stop()
    try:
        work.note("stopped")
        if work.plan.kind == "install":
            failure = _expand(work.home, work.plan)
            if failure is not None:
                return work.back("guard.migrate_failed", failure)
            work.note("expanded")
        work.switch()
    except Ending:
        raise
    except (ValueError, LookupError) as error:  # the version or its libraries were removed by hand
        return work.back("guard.version_missing", Failure("guard.version_missing", str(error)))
    except OSError as error:
        found = refusal(error)
        return work.back(found.code, Failure(found.code, found.detail))
    return work.start_new("update" if work.plan.kind == "install" else "order")


def _prepare(home: Path, order: Order, host: Host, verify: Verify, busy_s: float) -> Plan:
    here = versions.pointer(home)
    if here is None:
        raise Refused("guard.version_missing", "no current.json")
    version = order.version if order.kind == "install" else order.version or here.previous
    if version is None:
        raise Refused("guard.version_missing", "there is none before")
    if version == here.version:
        raise Refused("guard.already_running", version)
    plan = Plan(order.id, order.kind, version, here.version, here.previous)
    work = Work(home, plan, host)
    if order.kind == "switch_back":
        if versions.python(home, version) is None:
            raise Refused("guard.version_missing", version)
        work.note("accepted", **plan.facts())
        orders.taken(home, order.id)
        _wait(order, host, busy_s)
        _hold(home, order, host)
        return plan
    copy = copied(home, order)
    facts = judged(home, order, copy, verify)
    sha256 = package.sha256(copy)
    work.note("accepted", sha256=sha256, **plan.facts())
    orders.taken(home, order.id)
    unpacked(home, order, copy, facts, sha256)
    _wait(order, host, busy_s)
    work.note("unpacked")
    _hold(home, order, host)
    return plan


def _wait(order: Order, host: Host, busy_s: float) -> None:
    """Until the announced time has come and nothing runs that must not be cut; Refused `guard.busy`."""
    announced = order.at + order.announce_s - time.time()
    if announced > 0:
        host.pause(min(announced, order.announce_s))
    until = time.monotonic() + busy_s
    while names := host.busy():
        if time.monotonic() >= until:
            raise Refused("guard.busy", ", ".join(names))
        host.pause(min(_LOOK_S, busy_s))


def _hold(home: Path, order: Order, host: Host) -> None:
    """Give the server the time to close its doors, but no longer than the order says."""
    until = time.monotonic() + order.hold_s
    while time.monotonic() < until and not orders.released(home, order.id):
        host.pause(_HOLD_LOOK_S)


def _refuse(home: Path, order: Order, refused: Refused, host: Host) -> None:
    clear(home)
    facts = {"code": refused.code, "detail": refused.detail}
    if refused.fault is not None:
        facts["fault"] = refused.fault
    try:
        journal.Journal(home).write(order.kind, journal.REFUSED, order.id, **facts)
    finally:  # an order of which nothing can be written must not be tried for ever
        orders.taken(home, order.id)
    host.step(None, "")


def _expand(home: Path, plan: Plan) -> Failure | None:
    places = Places(home)
    if not install_migrate.needed(places.program(plan.old), places.program(plan.version)):
        return None
    argv, env = versions.migrate_command(home, plan.version)
    log = new_log(home)
    ran = install_migrate.expand(argv, env, log)
    return None if ran.status == 0 else Failure("guard.migrate_failed", f"status {ran.status}", str(log))
