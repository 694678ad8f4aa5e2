"""One torturer: sends requests through one node's doors, records each, and remembers what it may do next."""

import asyncio
import random
import time
from datetime import datetime
from typing import Any

import msgspec

from praxisd.testing.torture_fhir import FhirWishes, shown_of
from praxisd.testing.torture_history import History, Outcome, Record, Shown
from praxisd.testing.torture_http import Http, Reply, Unanswered
from praxisd.testing.torture_scene import Credential
from praxisd.testing.torture_wishes import Memory, Wishes, text_of

API = "/api/v1"
_PAUSE_S = 0.05
_TWIN_TRIES = 400
PORTAL_MIX = {
    "book": 26,
    "twins": 7,
    "hold": 10,
    "move": 15,
    "cancel": 13,
    "note": 3,
    "read": 4,
    "fhir_slot": 9,
    "fhir_time": 6,
    "fhir_replace": 5,
    "fhir_same": 4,
}
DESK_MIX = {
    "book": 34,
    "twins": 5,
    "move": 16,
    "cancel": 18,
    "status": 8,
    "reserve": 7,
    "read": 3,
    "fhir_time": 6,
    "fhir_same": 3,
}


class Client:
    """Acts for one credential on one node; `other` is a second connection, to another node if there is one."""

    def __init__(
        self, name: str, who: Credential, ports: list[int], wishes: Wishes, history: History, fhir: bool
    ) -> None:
        number = int(name)
        self.name, self.who, self.wishes, self.history = name, who, wishes, history
        self.node = number % len(ports)
        self.dice = random.Random(wishes.seed * 10_007 + number)
        self.http = Http(ports[self.node], who.secret)
        self.other_node = (number + 1) % len(ports)
        self.other = Http(ports[self.other_node], who.secret)
        mix = DESK_MIX if who.role == "desk" else PORTAL_MIX
        self._mix = {name: n for name, n in mix.items() if fhir or not name.startswith("fhir")}
        self.fhir = FhirWishes(wishes)
        self.held = ""

    @property
    def memory(self) -> Memory:
        """What all clients of this credential know."""
        return self.wishes.memory[self.who.name]

    async def step(self) -> None:
        """Throw the dice and do one thing. Raises Unanswered when the server is gone."""
        what = self.dice.choices(list(self._mix), list(self._mix.values()))[0]
        if (
            what not in ("book", "twins", "hold", "reserve", "fhir_slot", "fhir_time")
            and not self.memory.live
        ):
            what = "book"
        if what.startswith("fhir") and not self.memory.patients:
            what = "book"
        await getattr(self, f"_{what}")()

    def close(self) -> None:
        """End the connections."""
        self.http.close()
        self.other.close()

    # --- one request -----------------------------------------------------------------------------------------------

    async def send(
        self,
        op: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        door: str = "rest",
        key: str | None = None,
        tag: str | None = None,
        about: dict[str, str] | None = None,
        if_match: int | None = None,
        second: bool = False,
    ) -> Record:
        """Send, record and learn. An unanswered request is recorded too, then Unanswered is raised."""
        headers = {"Content-Type": "application/fhir+json"} if door == "fhir" else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"' if door == "rest" else f'W/"{if_match}"'
        data = None if body is None else msgspec.json.encode(body)
        request: dict[str, Any] = {"method": method, "path": path, "body": body, **(about or {})}
        if if_match is not None:
            request["ifMatch"] = if_match
        http, node = (self.other, self.other_node) if second else (self.http, self.node)
        number, started = self.history.number(), time.monotonic_ns()
        reply: Reply | None = None
        try:
            reply = await http.ask(method, path, data, headers)
        except Unanswered as error:
            lost = error
        ended = time.monotonic_ns()
        outcome: Outcome = "unanswered" if reply is None else "done" if reply.status < 300 else "refused"
        found = (
            reply.json() if reply is not None and "json" in reply.headers.get("content-type", "") else None
        )
        record = Record(
            n=number,
            op=op,
            door=door,
            node=node,
            client=self.name,
            credential=self.who.name,
            key=key,
            tag=tag,
            request=request,
            start=started,
            end=ended,
            outcome=outcome,
            status=0 if reply is None else reply.status,
            code=code_of(found) if outcome == "refused" else None,
            replayed=reply is not None and "idempotent-replayed" in reply.headers,
            appointment=self._shown(found) if outcome == "done" else None,
            cancelled=(about or {}).get("replaces") if outcome == "done" else None,
        )
        self.history.add(record)
        if reply is None:
            raise lost
        self._learn(record, found)
        return record

    def _shown(self, found: Any) -> Shown | None:
        if not isinstance(found, dict):
            return None
        if "resourceType" in found:
            return shown_of(found, self.wishes.scene)
        if "status" not in found or "version" not in found:
            return None
        kind = {s.id: s for s in self.wishes.scene.services.values()}.get(found.get("service") or "")
        return Shown(
            id=found["id"],
            version=found["version"],
            status=found["status"],
            start=_epoch(found["start"]),
            end=_epoch(found["end"]),
            schedules=tuple(found["schedules"]),
            before=kind.buffer_before if kind else 0,
            after=kind.buffer_after if kind else 0,
        )

    def _learn(self, record: Record, found: Any) -> None:
        one, memory = record.appointment, self.memory
        if record.op in ("hold", "reserve") and record.outcome == "done":
            self.held = found["id"]
        if record.cancelled is not None:
            memory.learn(record.cancelled, None, "cancelled")
        if record.code == "calendar.frozen" and record.subject in memory.live:
            memory.live.remove(record.subject)  # somebody else cancelled it
        if one is None:
            return
        memory.learn(one.id, one.version, one.status)
        if record.tag is not None:
            memory.tags[one.id] = record.tag
        patient = self.patient_in(found)
        if patient:
            memory.patient_of[one.id] = patient
            if patient not in memory.patients and len(memory.patients) < 10:
                memory.patients.append(patient)

    @staticmethod
    def patient_in(found: Any) -> str | None:
        """The id of the patient, as this credential knows it, in an answer of either door."""
        if "resourceType" not in found:
            return found.get("patient")
        for part in found.get("participant", ()):
            type_, _, id_ = str(part.get("actor", {}).get("reference", "")).rpartition("/")
            if type_.endswith("Patient"):
                return id_
        return None

    # --- what may be wanted ----------------------------------------------------------------------------------------

    async def _book(self) -> None:
        tag = self.wishes.tag()
        key = tag if self.dice.random() < 0.3 else None
        body = self.wishes.booking(self.dice, self.who, tag)
        await self.send("book", "POST", f"{API}/appointments", body, key=key, tag=tag)

    async def _twins(self) -> None:
        """The same booking with the same key twice at once, over both nodes where there are two."""
        tag = self.wishes.tag()
        body = self.wishes.booking(self.dice, self.who, tag)
        await asyncio.gather(self._until_known(tag, body, False), self._until_known(tag, body, True))

    async def _until_known(self, tag: str, body: Any, second: bool) -> None:
        for _ in range(_TWIN_TRIES):
            record = await self.send(
                "book", "POST", f"{API}/appointments", body, key=tag, tag=tag, second=second
            )
            if record.code != "http.idempotency_running":
                return
            await asyncio.sleep(_PAUSE_S)

    async def _hold(self) -> None:
        """Hold; then book it, give it back, or let it lapse."""
        kind, start = self.wishes.kind(self.dice), self.wishes.start(self.dice)
        body = {"service": kind.id, "start": text_of(start), "seconds": 10}
        record = await self.send("hold", "POST", f"{API}/slots/hold", body)
        if record.outcome != "done":
            return
        hold = self.held
        throw = self.dice.random()
        if throw < 0.7:
            tag = self.wishes.tag()
            wish = {"service": kind.id, "start": body["start"], "note": tag, "hold": hold}
            wish["patient"] = self.wishes.booking(self.dice, self.who, tag)["patient"]
            await self.send("book", "POST", f"{API}/appointments", wish, tag=tag)
        elif throw < 0.85:
            await self.send("release", "DELETE", f"{API}/slots/hold/{hold}")

    async def _move(self) -> None:
        id_ = self.dice.choice(self.memory.live)
        body: dict[str, Any] = {"start": text_of(self.wishes.start(self.dice))}
        if self.dice.random() < 0.2:
            body["service"] = self.wishes.kind(self.dice).id
        match = self.memory.versions.get(id_) if self.dice.random() < 0.4 else None
        key = self.wishes.tag().replace("tag", "move") if self.dice.random() < 0.2 else None
        path = f"{API}/appointments/{id_}"
        about = {"appointment": id_}
        await self.send("move", "PATCH", path, body, about=about, if_match=match, key=key)

    async def _cancel(self) -> None:
        id_ = self.dice.choice(self.memory.live)
        body = {"reason": "torture"}
        await self.send(
            "cancel", "POST", f"{API}/appointments/{id_}/cancel", body, about={"appointment": id_}
        )

    async def _note(self) -> None:
        id_ = self.dice.choice(self.memory.live)
        tag = self.memory.tags.get(id_)
        if tag is not None:
            body = {"note": f"{tag} {self.dice.randrange(100)}"}
            await self.send("change", "PATCH", f"{API}/appointments/{id_}", body, about={"appointment": id_})

    async def _status(self) -> None:
        id_ = self.dice.choice(self.memory.live)
        body = {"status": self.dice.choice(("booked", "arrived", "fulfilled", "noshow"))}
        await self.send("change", "PATCH", f"{API}/appointments/{id_}", body, about={"appointment": id_})

    async def _read(self) -> None:
        id_ = self.dice.choice(self.memory.live)
        await self.send("read", "GET", f"{API}/appointments/{id_}", about={"appointment": id_})

    async def _reserve(self) -> None:
        """Reserve, and mostly give it back at once: reservations fight with bookings too."""
        body = self.wishes.reservation(self.dice, self.wishes.tag())
        record = await self.send("reserve", "POST", f"{API}/reservations", body)
        if record.outcome == "done" and self.dice.random() < 0.9:
            await self.send("unreserve", "DELETE", f"{API}/reservations/{self.held}")

    async def _fhir_slot(self) -> None:
        tag = self.wishes.tag()
        body = self.fhir.by_slot(self.dice, self.memory, tag)
        await self.send("book", "POST", self.fhir.PATH, body, door="fhir", tag=tag, key=self._maybe(tag))

    async def _fhir_time(self) -> None:
        tag = self.wishes.tag()
        body = self.fhir.by_time(self.dice, self.memory, tag)
        await self.send("book", "POST", self.fhir.PATH, body, door="fhir", tag=tag, key=self._maybe(tag))

    async def _fhir_replace(self) -> None:
        """`cancelled-appt-id`: the new one only with the old one's end."""
        tag, id_ = self.wishes.tag(), self.dice.choice(self.memory.live)
        body = self.fhir.replacing(self.dice, self.memory, tag, id_)
        await self.send(
            "replace", "POST", self.fhir.PATH, body, door="fhir", tag=tag, about={"replaces": id_}
        )

    async def _fhir_same(self) -> None:
        """The same id again: moved, keeping its id."""
        id_ = self.dice.choice(self.memory.live)
        body = self.fhir.moving(self.dice, self.memory, id_)
        await self.send("move", "POST", self.fhir.PATH, body, door="fhir", about={"appointment": id_})

    def _maybe(self, key: str) -> str | None:
        return key if self.dice.random() < 0.2 else None


def _epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def code_of(found: Any) -> str | None:
    """The stable code of a refusal: of problem+json, or of an OperationOutcome."""
    if not isinstance(found, dict):
        return None
    if found.get("resourceType") == "OperationOutcome":
        for issue in found.get("issue", ()):
            for coding in issue.get("details", {}).get("coding", ()):
                if coding.get("code"):
                    return str(coding["code"])
        return None
    return found.get("code")
