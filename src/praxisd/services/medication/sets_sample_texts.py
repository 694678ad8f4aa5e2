"""Sample full texts: the headings of a Fachinformation, filled with what the sample set itself says. Pure.

A section of which the set says nothing tells that it would stand there. Nothing is made up.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

Row = dict[str, Any]
EMPTY = "Dieser Abschnitt ist in den Beispieldaten leer. In einem echten Datenbestand steht hier der Text des Herstellers."
SOURCE = (
    "Beispieltext, aus den Angaben des Beispiel-Datenbestands zusammengesetzt. Kein Text eines Herstellers."
)
NONE = "In diesem Beispiel ist hierzu nichts verzeichnet. Das heißt nicht, dass es nichts gibt."
LEAFLET = (
    ("1", "Was das Präparat ist"),
    ("2", "Was Sie vor der Anwendung beachten sollten"),
    ("3", "Anwendung"),
)


def texts(main: dict[str, list[Row]], released: str) -> dict[str, list[Row]]:
    """Tables `text` and `section` of the products in `main`: a Fachinformation each, a leaflet for what needs no prescription."""
    view = _View(main)
    found: list[Row] = []
    sections: list[Row] = []
    for product in main["product"]:
        for kind, made in (("fi", view.information(product)), ("pil", view.leaflet(product))):
            if kind == "pil" and not product["otc"]:
                continue
            id_ = f"{kind}-{product['id']}"
            title = f"{'Fachinformation' if kind == 'fi' else 'Gebrauchsinformation'} {product['name']} (Beispiel)"
            found.append(
                {"id": id_, "product": product["id"], "kind": kind, "title": title, "source": SOURCE, "released": released}
            )  # fmt: skip
            for no, (number, heading, body) in enumerate(made, 1):
                sections.append({"text": id_, "no": no, "number": number, "heading": heading, "body": body})
    return {"text": found, "section": sections}


class _View:
    """The set, by product."""

    def __init__(self, main: dict[str, list[Row]]) -> None:
        self._names = {one["id"]: one["name_de"] for one in main["substance"]}
        self._classes = {one["id"]: one["name_de"] for one in main["class"]}
        self._conditions = {one["id"]: one["name_de"] for one in main["condition"]}
        self._main = main
        self._parts: dict[str, list[Row]] = defaultdict(list)
        self._packages: dict[str, list[Row]] = defaultdict(list)
        self._groups: dict[str, set[str]] = defaultdict(set)
        for one in main["product_substance"]:
            self._parts[one["product"]].append(one)
        for one in main["package"]:
            self._packages[one["product"]].append(one)
        for one in main["class_member"]:
            if one["kind"] == "substance":
                self._groups[one["member"]].add(one["class"])

    def information(self, product: Row) -> Iterator[tuple[str, str, str]]:
        """Number, heading and body of each section."""
        packages = ", ".join(
            f"{one['size']} {one['unit']} (PZN {one['pzn']})" for one in self._packages[product["id"]]
        )
        yield "1", "Bezeichnung des Arzneimittels", f"{product['name']}. Ein erfundenes Präparat."
        yield "2", "Qualitative und quantitative Zusammensetzung", self._composition(product)
        yield "3", "Darreichungsform", product["form"]
        yield "4.1", "Anwendungsgebiete", EMPTY
        yield "4.2", "Dosierung und Art der Anwendung", EMPTY
        yield "4.3", "Gegenanzeigen", self._contraindications(product)
        yield "4.4", "Besondere Warnhinweise", self._notes(product)
        yield "4.5", "Wechselwirkungen mit anderen Arzneimitteln", self._interactions(product)
        yield "4.8", "Nebenwirkungen", EMPTY
        yield "6.1", "Liste der sonstigen Bestandteile", self._excipients(product)
        yield "6.5", "Art und Inhalt des Behältnisses", packages
        yield "7", "Inhaber der Zulassung", product["holder"]

    def leaflet(self, product: Row) -> Iterator[tuple[str, str, str]]:
        """The same of a leaflet."""
        what = f"{product['name']}, {product['form']}. Ein erfundenes Präparat."
        before = f"{self._contraindications(product)} {self._excipients(product)}"
        for (number, heading), body in zip(LEAFLET, (what, before, EMPTY), strict=True):
            yield number, heading, body

    def _subjects(self, product: Row) -> set[tuple[str, str]]:
        found = set()
        for one in self._parts[product["id"]]:
            found.add(("substance", one["substance"]))
            found |= {("class", group) for group in self._groups[one["substance"]]}
        return found

    def _name(self, kind: str, id_: str) -> str:
        return self._classes[id_] if kind == "class" else self._names[id_]

    def _composition(self, product: Row) -> str:
        parts = [one for one in self._parts[product["id"]] if one["kind"] == "active"]
        return "; ".join(f"{self._names[one['substance']]} {one['strength']} {one['unit']}" for one in parts)

    def _excipients(self, product: Row) -> str:
        parts = [
            self._names[one["substance"]] for one in self._parts[product["id"]] if one["kind"] == "excipient"
        ]
        return f"Enthält {', '.join(parts)}." if parts else EMPTY

    def _contraindications(self, product: Row) -> str:
        mine = self._subjects(product)
        found = [
            f"{self._conditions[one['condition']]}: {one['effect_de']} {one['action_de']} (Quelle: {one['source']})"
            for one in self._main["contraindication"]
            if (one["kind"], one["subject"]) in mine
        ]
        return "\n".join(found) or NONE

    def _notes(self, product: Row) -> str:
        mine = self._subjects(product)
        found = [
            f"{one['text_de']} (Quelle: {one['source']})"
            for one in self._main["dental_note"]
            if (one["kind"], one["subject"]) in mine
        ]
        return "\n".join(found) or NONE

    def _interactions(self, product: Row) -> str:
        mine, found = self._subjects(product), []
        for one in self._main["interaction"]:
            a, b = (one["a_kind"], one["a"]), (one["b_kind"], one["b"])
            for ours, other in ((a, b), (b, a)):
                if ours in mine:
                    text = f"{one['mechanism_de']} {one['effect_de']} {one['action_de']} (Quelle: {one['source']})"
                    found.append(f"{self._name(*other)}: {text}")
                    break
        return "\n".join(found) or NONE
