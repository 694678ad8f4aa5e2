"""REST operations of the first start (open: nobody can sign in yet) and of the wizard that follows it."""

from typing import Any

from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Answer, Call, Route
from praxisd.model.places import Organization
from praxisd.services.accounts import api as accounts
from praxisd.services.setup import checks, codes, first, quick, shapes, steps

READ, WRITE = "setup.steps.read", "setup.steps.write"


def read_state(call: Call) -> shapes.StateOut:
    """Is the first start still to come?"""
    found = first.state(call.house)
    return shapes.StateOut(needed=found.needed, practice=found.practice is not None)


def check_code(call: Call) -> None:
    """Is this the one-time code? Nothing is used up by the right one."""
    _admit(call)
    codes.check(call.house, call.body.code, call.visit.address)


def begin(call: Call) -> Answer:
    """Make practice and owner

    The code is used up; sign in with `POST /session` afterwards. Where a practice was made by command before, only its
    owner is made.
    """
    body: shapes.BeginIn = call.body
    _admit(call)
    digest = codes.check(call.house, body.code, call.visit.address)
    owner = body.owner
    hashed = accounts.hash_password(owner.password, owner.login)
    practice = None
    if body.practice is not None:
        told = body.practice
        practice = Organization(
            name=told.name.strip(), zone=told.zone, region=told.region, language=told.language
        )
    made = first.begin(call.house, digest, practice, first.Owner(owner.login, owner.name, hashed))
    checks.look_again(call.house)
    return Answer(shapes.BegunOut(organization=made, login=owner.login.strip()), 201)


def _admit(call: Call) -> None:
    """Refuse when it is too late, and what the page of another site sends."""
    if call.visit.foreign:
        raise Problem("accounts.csrf_refused", 403)
    if not first.state(call.house).needed:
        raise Problem("setup.not_needed", 409)


def list_steps(call: Call) -> steps.StepsOut:
    """The steps of the wizard, and which are done or left out."""
    with call.read() as tx:
        return steps.listed(call.house, tx, call.lang)


def settle_step(call: Call) -> steps.StepsOut:
    """Leave a step out, or open it again."""
    body: shapes.StepIn = call.body
    steps.settle(call.house, call.writing, body.step, body.state == "skipped")
    call.writing.after(lambda: checks.look_again(call.house))
    return steps.listed(call.house, call.writing, call.lang)


def fill(call: Call) -> Answer:
    """Practitioners, columns and types in one go

    Columns get the same opening hours and a colour each, types any active column; all of it can be changed one by one
    afterwards.
    """
    made = quick.fill(call.house, call.writing, call.body)
    call.writing.after(lambda: checks.look_again(call.house))
    return Answer(made, 201)


_CODE = (
    (403, "setup.code_wrong"), (403, "setup.code_used_up"), (403, "accounts.csrf_refused"),
    (409, "setup.not_needed"), (429, "accounts.rate_limited"),
)  # fmt: skip
_RECORDS = ((422, "directory.text_invalid"), (422, "directory.name_missing"))
_WHY = "nobody can sign in yet: the one-time code on the server's own screen is asked for instead (SPEC 12.3)"


def _route(method: str, path: str, name: str, call: Any, **more: Any) -> Route:
    permission = more.pop("permission", None)
    return Route(method, path, name, call, permission, tags=("setup",), inside=permission is None, **more)


ROUTES = (
    _route(
        "GET", "/setup", "setup.read", read_state, answer=shapes.StateOut,
        why_open="says only whether the first start is still to come, for the page where one signs in",
    ),
    _route(
        "POST", "/setup/code", "setup.checkCode", check_code, body=shapes.CodeIn, status=204,
        problems=_CODE, why_open=_WHY, transaction=False,
    ),
    _route(
        "POST", "/setup", "setup.begin", begin, answer=shapes.BegunOut, body=shapes.BeginIn, status=201,
        problems=(
            *_CODE, *_RECORDS, (409, "setup.practice_exists"), (422, "setup.practice_missing"),
            (400, "clock.unknown_zone"), (422, "directory.region_unknown"), (422, "directory.code_invalid"),
            (422, "accounts.weak_password"), (422, "accounts.invalid"),
        ),
        why_open=_WHY, transaction=False,
    ),
    _route("GET", "/setup/steps", "setupSteps.list", list_steps, permission=READ, answer=steps.StepsOut),
    _route(
        "POST", "/setup/steps", "setupSteps.settle", settle_step, permission=WRITE, answer=steps.StepsOut,
        body=shapes.StepIn, problems=((404, "http.not_found"), (409, "setup.step_done")),
    ),
    _route(
        "POST", "/setup/quick", "setup.fill", fill, permission=WRITE, answer=shapes.QuickOut,
        body=shapes.QuickIn, status=201,
        problems=(*_RECORDS, (422, "setup.no_hours"), (422, "setup.no_columns"), (422, "calendar.type_invalid")),
    ),
)  # fmt: skip
