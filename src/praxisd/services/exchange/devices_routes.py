"""REST operations of devices: folders, requests, results, and whose they are."""

from typing import Any

from praxisd.kernel import events
from praxisd.kernel.errors import Problem, not_found
from praxisd.kernel.resource import check_version
from praxisd.kernel.service import Answer, Call, Route
from praxisd.services.directory import api as directory
from praxisd.services.exchange import (
    devices_asking,
    devices_folder,
    devices_keeping,
    devices_store,
    devices_taking,
    devices_views,
)
from praxisd.services.exchange.devices_shapes import (
    Asked,
    AskIn,
    DecideIn,
    DeviceIn,
    DeviceOut,
    Devices,
    Looked,
    ResultOut,
    Results,
    ResultSearch,
)

READ, WRITE, SEND = "exchange.device.read", "exchange.device.write", "exchange.device.send"
SEE, DECIDE = "exchange.result.read", "exchange.result.write"
DECIDED = "exchange.device_decided"


def _given(body: DeviceIn) -> dict[str, Any]:
    return {name: getattr(body, name) for name in DeviceIn.__struct_fields__}


def list_devices(call: Call) -> Devices:
    """All devices with how reading goes."""
    with call.read() as tx:
        shown = [devices_views.device(call.house, tx, one, call.lang) for one in devices_store.devices(tx)]
    return Devices(devices=shown)


def create(call: Call) -> Answer:
    """A new device."""
    made = devices_keeping.create(call.house, call.writing, _given(call.body))
    return Answer(devices_views.device(call.house, call.writing, made, call.lang), 201, version=made.version)


def read(call: Call) -> Answer:
    """One device."""
    with call.read() as tx:
        one = devices_store.DEVICES.need(tx, call.path["id"])
        return Answer(devices_views.device(call.house, tx, one, call.lang), version=one.version)


def change(call: Call) -> Answer:
    """Set a device up otherwise."""
    saved = devices_keeping.change(
        call.house, call.writing, call.path["id"], _given(call.body), call.if_match
    )
    return Answer(devices_views.device(call.house, call.writing, saved, call.lang), version=saved.version)


def delete(call: Call) -> Answer:
    """Take a device out; what it sent stays."""
    devices_keeping.delete(call.writing, call.path["id"], call.if_match)
    return Answer(None, 204)


def look(call: Call) -> Looked:
    """Look into the device's folder now, and take in what stands still there."""
    with call.read() as tx:
        one = devices_store.DEVICES.need(tx, call.path["id"])
    if not one.folder_in:
        raise Problem(devices_asking.NO_FOLDER, 409)
    if not one.active:
        raise Problem(devices_asking.INACTIVE, 409)
    done = devices_taking.look(call.house, call.actor, one)
    with call.read() as tx:
        row = devices_store.states(tx).get(one.id)
    if row is not None and row.code == devices_folder.AWAY:
        raise Problem(devices_folder.AWAY, 503, retry=True)
    return Looked(
        taken=done.taken,
        doubts=done.doubts,
        known=done.known,
        aside=done.aside,
        waiting=done.waiting + done.stuck,
    )


def ask(call: Call) -> Answer:
    """Send a patient to the device: a request (6302) is written into its folder, whole or not at all."""
    with call.read() as tx:
        one = devices_store.DEVICES.need(tx, call.path["id"])
        directory.patient(tx, call.body.patient)
    name = devices_asking.send(
        call.house, call.actor, one, call.body.patient, devices_asking.EXAMINE, call.body.test or ""
    )
    return Answer(Asked(file=name), 201)


def search(call: Call) -> Results:
    """Results of devices, the newest first."""
    with call.read() as tx:
        return devices_views.results(call.house, tx, call.body, call.lang)


def read_result(call: Call) -> Answer:
    """One result with all its lines, as they were sent."""
    with call.read() as tx:
        shown = devices_views.result(call.house, tx, call.path["id"], call.lang)
        people = directory.contacts(tx, [shown.patient]) if shown.patient else {}
    directory.saw(call.house, call.actor, people.values())
    return Answer(shown, version=shown.version)


def decide(call: Call) -> Answer:
    """Say whose a result is, or that it is nobody's. A decision may be changed."""
    tx, id_, patient = call.writing, call.path["id"], call.body.patient
    row = devices_store.result(tx, id_)
    if row is None:
        raise not_found("DeviceResult")
    check_version(call.if_match, row.version, "DeviceResult")
    if patient is not None:
        patient = directory.known(tx, patient).id
    if not devices_store.decide(tx, id_, row.version, patient, "taken" if patient else "discarded"):
        raise Problem(DECIDED, 409, retry=True)
    events.note(
        tx, "device_result.decided", "DeviceResult", id_,
        version=row.version + 1, state="taken" if patient else "discarded",
    )  # fmt: skip
    return Answer(devices_views.result(call.house, tx, id_, call.lang), version=row.version + 1)


_MISSING = ((404, "http.not_found"),)
_FIELDS = ((422, devices_keeping.FIELD), (409, devices_keeping.NAME))
_FOLDER = (
    (409, devices_asking.NO_FOLDER),
    (409, devices_asking.INACTIVE),
    (503, devices_folder.AWAY),
)
_TAGS = ("devices",)
ROUTES = (
    Route("GET", "/exchange/devices", "devices.list", list_devices, READ, answer=Devices, tags=_TAGS),
    Route(
        "POST", "/exchange/devices", "devices.create", create, WRITE, answer=DeviceOut, body=DeviceIn, status=201,
        problems=_FIELDS, tags=_TAGS,
    ),
    Route("GET", "/exchange/devices/{id}", "devices.read", read, READ, answer=DeviceOut, problems=_MISSING, tags=_TAGS),
    Route(
        "PUT", "/exchange/devices/{id}", "devices.change", change, WRITE, answer=DeviceOut, body=DeviceIn,
        problems=(*_MISSING, *_FIELDS), tags=_TAGS,
    ),
    Route(
        "DELETE", "/exchange/devices/{id}", "devices.delete", delete, WRITE, status=204, problems=_MISSING, tags=_TAGS,
    ),
    Route(
        "POST", "/exchange/devices/{id}/look", "devices.look", look, SEND, answer=Looked, transaction=False,
        problems=(*_MISSING, *_FOLDER), tags=_TAGS,
    ),
    Route(
        "POST", "/exchange/devices/{id}/request", "devices.request", ask, SEND, answer=Asked, body=AskIn, status=201,
        transaction=False, tags=_TAGS,
        problems=(*_MISSING, *_FOLDER, (409, devices_folder.BUSY), (422, devices_asking.CANNOT)),
    ),
    Route(
        "POST", "/exchange/results/search", "results.search", search, SEE, answer=Results, body=ResultSearch,
        transaction=False, tags=_TAGS,
    ),
    Route("GET", "/exchange/results/{id}", "results.read", read_result, SEE, answer=ResultOut, problems=_MISSING, tags=_TAGS),
    Route(
        "POST", "/exchange/results/{id}/decide", "results.decide", decide, DECIDE, answer=ResultOut, body=DecideIn,
        problems=(*_MISSING, (409, DECIDED), (422, "directory.patient_unknown")), tags=_TAGS,
    ),
)  # fmt: skip
