"""What tests of take-overs share: a practice, files of many kinds, the work done at once."""

import json
from pathlib import Path
from typing import Any

from praxisd.kernel.access import Actor, system
from praxisd.kernel.app import House
from praxisd.services.exchange import takeover_store as store
from praxisd.services.exchange import takeovers
from praxisd.services.exchange.takeover_room import room_of
from praxisd.services.exchange.takeover_routes import begin_look
from praxisd.services.exchange.takeover_shapes import LookIn, OptionsIn
from praxisd.testing.practice import Practice, small_practice

PATIENTS = (
    "Patientennummer;Nachname;Vorname;Geburtsdatum;Geschlecht;Telefon;E-Mail;Straße;PLZ;Ort\r\n"
    "00017;Müller;Anna;17.05.1980;w;030 1234567;anna@example.org;Weg 1;10115;Berlin\r\n"
    "00018;Schmidt;Bernd;01.02.1951;m;030 7654321;;Gasse 2;01067;Dresden\r\n"
    "00019;Özdemir;Çağla;1990-12-31;w;;;Allee 3;50667;Köln\r\n"
)


class Office:
    """A practice whose owner takes over files."""

    def __init__(self, house: House, tmp_path: Path) -> None:
        self.house, self._tmp = house, tmp_path
        self.practice: Practice = small_practice(house)
        self.actor: Actor = system("owner", self.practice.organization)
        self._files = 0

    def file(self, data: str | bytes, name: str = "alt.csv") -> Path:
        """A file with this content."""
        self._files += 1
        path = self._tmp / f"{self._files}-{name}"
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def bring(self, data: str | bytes, format_: str | None = None) -> str:
        """Bring it."""
        return takeovers.bring(self.house, self.actor, self.file(data), "alt", format_)

    def look(
        self, id_: str, *, leads: tuple[str, ...] = (), origin: str = "", **options: Any
    ) -> dict[str, Any]:
        """Look, to the end."""
        body = LookIn(options=OptionsIn(**options), leads=list(leads), origin=origin)
        self.house.store.run(self.actor, lambda tx: begin_look(self.house, tx, id_, body))
        return self.work(id_)

    def apply(self, id_: str) -> dict[str, Any]:
        """Take over, to the end."""
        self.house.store.run(self.actor, lambda tx: takeovers.apply(tx, id_))
        return self.work(id_)

    def undo(self, id_: str, changed: Any = None) -> dict[str, Any]:
        """Take back, to the end."""
        self.house.store.run(self.actor, lambda tx: takeovers.undo(tx, id_, changed))
        return self.work(id_)

    def work(self, id_: str) -> dict[str, Any]:
        """Do what there is to do; state and counts then."""
        row = self.row(id_)
        room_of(self.house).work(self.practice.organization, id_, row.state)
        row = self.row(id_)
        return {
            "state": row.state,
            "code": row.code,
            **json.loads(row.counts),
            "left": json.loads(row.left_out),
        }

    def whole(self, data: str | bytes, **how: Any) -> tuple[str, dict[str, Any]]:
        """Bring, look and take over."""
        id_ = self.bring(data, how.pop("format_", None))
        looked = self.look(id_, **how)
        assert looked["state"] == "looked", looked
        return id_, self.apply(id_)

    def row(self, id_: str) -> Any:
        """The take-over's row."""
        with self.house.store.read(self.actor) as tx:
            return takeovers.need(tx, id_)

    def items(self, id_: str) -> list[Any]:
        """Its records."""
        with self.house.store.read(self.actor) as tx:
            return store.items(tx, id_, 0, 10_000)

    def patients(self) -> list[Any]:
        """All patients but the one the practice had before."""
        from praxisd.services.directory import api as directory

        with self.house.store.read(self.actor) as tx:
            found, _ = directory.all_patients(tx, None, 10_000)
        return [one for one in found if one.id != self.practice.patient]
