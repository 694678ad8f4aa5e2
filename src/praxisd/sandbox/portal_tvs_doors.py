"""The doors of the simulated 116117: FHIR (POST and XML only) below `/tvs/api`, and plain JSON to look and to play.

`GET /tvs/requests`: every request, as it came. `POST /tvs/slots`, `/tvs/bookings`, `/tvs/faults`: what happens there.
Faults: `batch` (position from 1 → status, of the next batch), `expire` (all tokens), `page` (entries of a page).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from praxisd.model.fhir_errors import FhirError
from praxisd.model.fhir_times import parse_instant
from praxisd.model.fhir_xml import to_xml
from praxisd.model.fhir_xml_reading import parse_xml
from praxisd.sandbox.door import Answer, Bad, Call, Route, as_json
from praxisd.sandbox.portal_tvs import PERSON, Refused, Slot, Tvs
from praxisd.sandbox.portal_tvs_fhir import Search, instant, outcome
from praxisd.sandbox.portal_tvs_login import Login

API = "/tvs/api"
MEDIA = "application/fhir+xml; charset=UTF-8"
XML_TYPES = ("application/xml", "application/fhir+xml", "application/xml+fhir")
_FORM = "application/x-www-form-urlencoded"
_SHOWN = 20_000
Work = Callable[[Call], dict[str, Any] | None]


class Doors:
    """FHIR in and out; each request is written down with its answer."""

    def __init__(self, tvs: Tvs) -> None:
        self.tvs = tvs
        self.search = Search(tvs)

    def guarded(self, work: Work, form: bool = False) -> Callable[[Call], Answer]:
        """A door: checks media and token, turns `Refused` into an OperationOutcome."""

        def door(call: Call) -> Answer:
            try:
                self.check(call, form)
                found = work(call)
                answer = Answer(200, to_xml(found) if found else b"", MEDIA)
            except Refused as refused:
                answer = Answer(refused.status, to_xml(outcome(refused)), MEDIA)
            except FhirError:
                answer = Answer(400, to_xml(outcome(Refused(400, "structure", "BODY_INVALID"))), MEDIA)
            self.record(call, answer.status)
            return answer

        return door

    def wrong_method(self, call: Call) -> Answer:
        """A search by GET, or a `next` link that was called."""
        self.record(call, 405)
        return Answer(405, to_xml(outcome(Refused(405, "not-supported", "METHOD"))), MEDIA, {"Allow": "POST"})

    def check(self, call: Call, form: bool) -> None:
        """`Refused`: 415 no XML comes, 406 none is wanted, 401 no good token."""
        media = call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media not in XML_TYPES and not (form and media == _FORM):
            raise Refused(415, "not-supported", "XML_ONLY")
        accept = call.headers.get("accept", "")
        if not any(one in accept for one in XML_TYPES):
            raise Refused(406, "not-supported", "XML_ONLY")
        if self.tvs.tokens.get(call.bearer, 0.0) < self.tvs.now():
            raise Refused(401, "login", "TOKEN")

    def record(self, call: Call, status: int) -> None:
        """Write it down; never its token."""
        self.tvs.requests.append(
            {
                "at": instant(self.tvs.now()),
                "method": call.method,
                "target": call.target,
                "status": status,
                "contentType": call.headers.get("content-type", ""),
                "accept": call.headers.get("accept", ""),
                "body": call.body[:_SHOWN].decode("utf-8", "replace"),
            }
        )

    def find(self, call: Call) -> dict[str, Any]:
        """A search."""
        if call.headers.get("content-type", "").startswith(_FORM):
            wanted = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
        else:
            listed = parse_xml(call.body, "Parameters").get("parameter", ())
            wanted = [(one["name"], one.get("valueString", "")) for one in listed]
        with self.tvs.lock:
            base = f"http://{call.headers.get('host', '')}{API}"
            return self.search.page(call.path["kind"], wanted, base)

    def batch(self, call: Call) -> dict[str, Any]:
        """Each entry for itself, in order."""
        bundle = parse_xml(call.body, "Bundle")
        if bundle["type"] != "batch":
            raise Refused(400, "invalid", "NO_BATCH")
        with self.tvs.lock:
            faults = self.tvs.batch_faults.popleft() if self.tvs.batch_faults else {}
            done = [
                self.one(entry, faults.get(number)) for number, entry in enumerate(bundle.get("entry", ()), 1)
            ]
        found: dict[str, Any] = {"resourceType": "Bundle", "type": "batch-response"}
        return found | ({"entry": done} if done else {})

    def one(self, entry: dict[str, Any], fault: int | None) -> dict[str, Any]:
        """One entry of a batch, answered."""
        answer: dict[str, Any] = {"id": entry["id"]} if "id" in entry else {}
        try:
            if fault is not None:
                raise Refused(fault, "conflict" if fault == 409 else "invalid", f"ON_DEMAND_{fault}")
            response = self.do(entry.get("request", {}), entry.get("resource", {}))
        except Refused as refused:
            response = {"status": str(refused.status), "outcome": outcome(refused)}
        return answer | {"response": response}

    def do(self, request: dict[str, Any], resource: dict[str, Any]) -> dict[str, Any]:
        """Create or delete one slot."""
        method, url = request.get("method"), str(request.get("url", ""))
        if method == "POST" and url == "Slot" and resource.get("resourceType") == "Slot":
            if resource.get("status") != "free":
                raise Refused(400, "invalid", "SLOT_NOT_FREE")
            profile = str(resource["schedule"].get("reference", "")).rpartition("/")[2]
            made = self.tvs.add_slot(
                profile, parse_instant(resource["start"]), parse_instant(resource["end"])
            )
            return {"status": "201 Created", "location": f"Slot/{made.id}/_history/1", "etag": 'W/"1"'}
        if method == "DELETE" and url.startswith("Slot/"):
            known = str(request.get("ifMatch", "")).removeprefix("W/").strip('"')
            self.tvs.delete_slot(url.removeprefix("Slot/"), known)
            return {"status": "204 No Content"}
        raise Refused(400, "not-supported", "ENTRY_INVALID")

    def set_status(self, call: Call) -> None:
        """`$slotstatus_aktualisieren`."""
        given = parse_xml(call.body, "Parameters").get("parameter", ())
        wanted = [one.get("valueCode") for one in given if one["name"] == "status"]
        if len(wanted) != 1 or wanted[0] not in ("free", "busy"):
            raise Refused(400, "invalid", "STATUS_INVALID")
        self.tvs.set_status(call.path["id"], wanted[0])


class Play:
    """Plain JSON, for people, tests and the demo."""

    def __init__(self, tvs: Tvs) -> None:
        self.tvs = tvs

    def requests(self, _call: Call) -> Answer:
        """What came."""
        return as_json(list(self.tvs.requests))

    def slots(self, _call: Call) -> Answer:
        """What is offered."""
        with self.tvs.lock:
            return as_json([self._shown(one) for one in self.tvs.slots.values() if not one.gone])

    def _shown(self, one: Slot) -> dict[str, Any]:
        name = self.tvs.profiles[one.profile].name
        times = {"start": instant(one.start), "end": instant(one.end)}
        return {"id": one.id, "calendar": name, **times, "status": one.status, "version": one.version}

    def add_slot(self, call: Call) -> Answer:
        """{calendar, start, end, status?}: a slot that nobody at the practice knows of."""
        told = call.table()
        profile = self.tvs.add_profile(str(told.get("calendar", "")) or "Sprechstunde")
        start, end = (_time(told.get(name)) for name in ("start", "end"))
        return as_json(
            self._shown(self.tvs.add_slot(profile.id, start, end, told.get("status", "free"))), 201
        )

    def set_slot(self, call: Call) -> Answer:
        """{status}: blocked or opened there."""
        self.tvs.set_status(call.path["id"], str(call.table().get("status", "free")), by_practice=False)
        return as_json(self._shown(self.tvs.slot(call.path["id"])))

    def book(self, call: Call) -> Answer:
        """{slot, family, given, birthDate, phone?, email?, note?}: a patient books."""
        told = call.table()
        person = {name: str(told[name]) for name in PERSON if told.get(name)}
        made = self.tvs.book(str(told.get("slot", "")), person, str(told.get("note", "")))
        return as_json({"id": made.id, "slot": made.slot, "status": made.status}, 201)

    def set_booking(self, call: Call) -> Answer:
        """{do: cancel | delete | change, …}."""
        told, id_ = call.table(), call.path["id"]
        if told.get("do") == "change":
            self.tvs.change_person(id_, {name: str(told[name]) for name in PERSON if name in told})
        elif told.get("do") in ("cancel", "delete"):
            self.tvs.end_booking(id_, deleted=told["do"] == "delete")
        else:
            raise Bad("malformed")
        return as_json({"id": id_})

    def faults(self, call: Call) -> Answer:
        """{batch?: {"2": 409}, expire?: true, page?: 2}."""
        told = call.table()
        with self.tvs.lock:
            try:
                if "batch" in told:
                    self.tvs.batch_faults.append({int(at): int(code) for at, code in told["batch"].items()})
                if "page" in told:
                    self.tvs.page = max(1, int(told["page"]))
            except (TypeError, ValueError, AttributeError):
                raise Bad("malformed") from None
            if told.get("expire"):
                self.tvs.tokens.clear()
        return as_json({"page": self.tvs.page})

    def door(self, work: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        """What cannot be done there, as JSON."""

        def played(call: Call) -> Answer:
            try:
                return work(call)
            except Refused as refused:
                return as_json({"code": refused.code}, refused.status)

        return played


def _time(text: Any) -> int:
    try:
        return parse_instant(str(text))
    except FhirError:
        raise Bad("malformed") from None


def routes(tvs: Tvs) -> tuple[Route, ...]:
    """All doors of the service."""
    doors, play = Doors(tvs), Play(tvs)
    status = f"{API}/Slot/{{id}}/$slotstatus_aktualisieren"
    return (
        ("POST", f"{API}/{{kind}}/_search", doors.guarded(doors.find, form=True)),
        ("POST", f"{API}/Slot/batch", doors.guarded(doors.batch)),
        ("POST", status, doors.guarded(lambda call: doors.set_status(call))),
        ("GET", f"{API}/{{kind}}/_search", doors.wrong_method),
        ("GET", f"{API}/{{kind}}/{{id}}", doors.wrong_method),
        ("GET", f"{API}/{{kind}}", doors.wrong_method),
        *Login(tvs).routes,
        ("GET", "/tvs/requests", play.requests),
        ("GET", "/tvs/slots", play.slots),
        ("POST", "/tvs/slots", play.door(play.add_slot)),
        ("POST", "/tvs/slots/{id}", play.door(play.set_slot)),
        ("POST", "/tvs/bookings", play.door(play.book)),
        ("POST", "/tvs/bookings/{id}", play.door(play.set_booking)),
        ("POST", "/tvs/faults", play.faults),
    )
