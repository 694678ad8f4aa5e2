"""What the three data sets are made of: tables, indexes, and the marks by which a file is known. One SQLite file each.

A row is written in the order of `Table.columns`; rows are sorted by `Table.key` before they are written, so that the same
facts give the same bytes. A file of another schema version is not read: there is one reader for one version.
"""

from dataclasses import dataclass
from typing import Final

from praxisd.model.medication import ElementName

APPLICATION_ID = 0x50584D44
"""`PRAGMA application_id` of each file: the letters PXMD."""
SCHEMA = 1
"""`PRAGMA user_version`."""
BUILT_WITH = "praxisd medication build 1"
"""Grows when the same rows would give other bytes. No version of the program: a new one changes no data set."""
MEDICATION: Final = "medication"
TEXTS: Final = "medication-texts"
NOTICES: Final = "medication-notices"
ELEMENTS: tuple[ElementName, ...] = (MEDICATION, TEXTS, NOTICES)
"""The names under which updates fetch and switch them."""
META_NEEDED = (
    "schema", "element", "title_de", "title_en", "source", "source_url", "licence", "released", "valid_until",
    "grace_until", "sample", "built_with", "sha256",
)  # fmt: skip
"""Keys of `meta`, all of them there. Days are YYYY-MM-DD, the last on which it counts included; `sample` is 0 or 1."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A column must hold a key of another table."""

    column: str
    table: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A pair of columns that name a substance, a class, or the beginning of an ATC code."""

    kind: str
    id: str
    kinds: tuple[str, ...] = ("substance", "class", "atc")


@dataclass(frozen=True, slots=True)
class Table:
    """`columns`: name and SQL type, `!` behind what must not be empty; `words`: column → the words it may have."""

    name: str
    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    words: tuple[tuple[str, tuple[str, ...]], ...] = ()
    refers: tuple[Reference, ...] = ()
    subjects: tuple[Subject, ...] = ()
    days: tuple[str, ...] = ()
    links: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in order."""
        return tuple(name for name, _ in self.columns)

    @property
    def needed(self) -> tuple[str, ...]:
        """Columns that are never empty."""
        return tuple(name for name, kind in self.columns if kind.endswith("!"))

    def ddl(self) -> str:
        """`CREATE TABLE …`."""
        lines = [
            f"{name} {kind.rstrip('!')}{' NOT NULL' if kind.endswith('!') else ''}"
            for name, kind in self.columns
        ]
        return f"CREATE TABLE {self.name} ({', '.join(lines)}, PRIMARY KEY ({', '.join(self.key)})) WITHOUT ROWID"


def _text(*names: str) -> tuple[tuple[str, str], ...]:
    """Columns of text; `!` behind a name: never empty."""
    return tuple((name.rstrip("!"), "TEXT!" if name.endswith("!") else "TEXT") for name in names)


SEVERITIES = ("contraindicated", "serious", "moderate", "minor")
_SUBJECT = Subject("kind", "subject")
_CITED = ("source!", "source_url", "source_date!")
_SAYS = ("effect_de!", "effect_en!", "action_de!", "action_en!")
TABLES: dict[str, tuple[Table, ...]] = {
    MEDICATION: (
        Table(
            "product",
            (*_text("id!", "name!", "holder", "form", "atc"), ("otc", "INTEGER"), *_text("text_id", "status!")),
            ("id",), words=(("status", ("active", "withdrawn")),),
        ),
        Table("package", _text("pzn!", "gtin", "product!", "size", "unit"), ("pzn",),
              refers=(Reference("product", "product"),)),
        Table("substance", _text("id!", "name_de!", "name_en!", "name_la", "cas"), ("id",)),
        Table(
            "product_substance",
            (*_text("product!", "substance!", "strength", "unit"), ("rank", "INTEGER!"), *_text("kind!")),
            ("product", "rank", "substance", "kind"), words=(("kind", ("active", "salt", "excipient")),),
            refers=(Reference("product", "product"), Reference("substance", "substance")),
        ),
        Table("atc", _text("code!", "name!"), ("code",)),
        Table("class", _text("id!", "name_de!", "name_en!"), ("id",)),
        Table("class_member", _text("class!", "kind!", "member!"), ("class", "kind", "member"),
              refers=(Reference("class", "class"),), subjects=(Subject("kind", "member", ("substance", "atc")),)),
        Table(
            "interaction",
            _text("id!", "a_kind!", "a!", "b_kind!", "b!", "severity!", "mechanism_de!", "mechanism_en!", *_SAYS,
                  "evidence", *_CITED, "reviewed"),
            ("id",), words=(("severity", SEVERITIES),), subjects=(Subject("a_kind", "a"), Subject("b_kind", "b")),
            links=("source_url",),
        ),
        Table("condition", _text("id!", "name_de!", "name_en!", "kind!", "icd10"), ("id",),
              words=(("kind", ("condition", "allergy", "state")),)),
        Table(
            "contraindication", _text("id!", "kind!", "subject!", "condition!", "severity!", *_SAYS, *_CITED), ("id",),
            words=(("severity", SEVERITIES),), refers=(Reference("condition", "condition"),), subjects=(_SUBJECT,),
            links=("source_url",),
        ),
        Table("dental_note", _text("id!", "kind!", "subject!", "text_de!", "text_en!", *_CITED), ("id",),
              subjects=(_SUBJECT,), links=("source_url",)),
        Table("synonym", _text("kind!", "id!", "name!"), ("kind", "id", "name"),
              subjects=(Subject("kind", "id", ("product", "substance")),)),
    ),
    TEXTS: (
        Table("text", _text("id!", "product!", "kind!", "title!", "source!", "released!"), ("id",),
              words=(("kind", ("fi", "pil")),), days=("released",)),
        Table("section", (*_text("text!"), ("no", "INTEGER!"), *_text("number", "heading!", "body!")), ("text", "no"),
              refers=(Reference("text", "text"),)),
    ),
    NOTICES: (
        Table(
            "notice",
            _text("id!", "valid_from!", "valid_until", "level!", "title_de!", "title_en!", "body_de!", "body_en!",
                  "product", "substance", "url", *_CITED[:1]),
            ("id",), words=(("level", ("info", "warning", "alert")),), days=("valid_from", "valid_until"), links=("url",),
        ),
    ),
}  # fmt: skip
"""Element → its tables, those that are referred to first. `section.no` counts from 1, `section.number` is the printed one
(`4.5`). `medication-texts.text.product` and the two of a notice name rows of `medication`, which may be of another day.
"""
INDEXES: dict[str, tuple[str, ...]] = {
    MEDICATION: (
        "CREATE INDEX package_product ON package (product)",
        "CREATE INDEX package_gtin ON package (gtin) WHERE gtin IS NOT NULL",
        "CREATE INDEX product_substance_substance ON product_substance (substance)",
        "CREATE INDEX product_atc ON product (atc) WHERE atc IS NOT NULL",
        "CREATE INDEX class_member_member ON class_member (kind, member)",
        "CREATE INDEX interaction_a ON interaction (a_kind, a)",
        "CREATE INDEX interaction_b ON interaction (b_kind, b)",
        "CREATE INDEX contraindication_subject ON contraindication (kind, subject)",
        "CREATE INDEX dental_note_subject ON dental_note (kind, subject)",
    ),
    TEXTS: (
        "CREATE INDEX text_product ON text (product)",
        "CREATE VIRTUAL TABLE section_words USING fts5 (heading, body, content='', tokenize='unicode61 remove_diacritics 0')",
        "CREATE TABLE section_row (no INTEGER PRIMARY KEY, text TEXT NOT NULL, section INTEGER NOT NULL)",
    ),
    NOTICES: ("CREATE INDEX notice_valid ON notice (valid_from)",),
}
"""Made after the rows. `section_words.rowid` is `section_row.no`; its words are folded twice (see `sets_words.words`)."""
META = "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
