"""What the search of products is measured beside: a plain prefix query of FTS5, tantivy, and rapidfuzz over all names."""

import sqlite3
from collections.abc import Sequence

import tantivy
from rapidfuzz import fuzz, process

from praxisd.services.medication import finding_rules as rules

LIMIT = 20


def _folded(name: str) -> str:
    return " ".join(rules.words_of(name))


class Prefix:
    """SQLite FTS5 over the folded names: one word and its star, the first 20 rows."""

    def __init__(self, names: Sequence[str]) -> None:
        self._db = sqlite3.connect(":memory:")
        self._db.execute("CREATE VIRTUAL TABLE names USING fts5 (words, name UNINDEXED, prefix='2 3 4')")
        self._db.executemany("INSERT INTO names VALUES (?, ?)", ((_folded(one), one) for one in names))
        self._db.execute("INSERT INTO names (names) VALUES ('optimize')")

    def find(self, text: str) -> list[str]:
        """The first names with words that begin so."""
        asked = " ".join(f'"{one}"*' for one in rules.pieces(rules.fold(text)))
        return [
            name
            for (name,) in self._db.execute(
                "SELECT name FROM names WHERE names MATCH ? LIMIT ?", (asked, LIMIT)
            )
        ]


class Tantivy:
    """tantivy over the folded names: words that begin so, else words with one edit, as beginnings too."""

    def __init__(self, names: Sequence[str]) -> None:
        build = tantivy.SchemaBuilder()
        build.add_text_field("words")
        build.add_text_field("name", stored=True, tokenizer_name="raw")
        self._schema = build.build()
        self._index = tantivy.Index(self._schema)
        writer = self._index.writer(64_000_000, 1)
        for one in names:
            writer.add_document(tantivy.Document(words=_folded(one), name=one))
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def find(self, text: str) -> list[str]:
        """The first names, by tantivy's own rank."""
        words = rules.pieces(rules.fold(text))
        begins = [
            tantivy.Query.regex_query(self._schema, "words", f"{one.replace('.', '[.]')}.*") for one in words
        ]
        found = self._first(begins)
        if found:
            return found
        near = [tantivy.Query.fuzzy_term_query(self._schema, "words", one, 1, True, True) for one in words]
        return self._first(near)

    def _first(self, queries: Sequence[tantivy.Query]) -> list[str]:
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, one) for one in queries])
        hits = self._searcher.search(query, LIMIT).hits
        return [self._searcher.doc(address)["name"][0] for _, address in hits]


class Scan:
    """rapidfuzz over all names, one after the other: the best partial ratio."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._folded = [rules.fold(one) for one in names]

    def find(self, text: str) -> list[str]:
        """The 20 names that are most alike."""
        found = process.extract(rules.fold(text), self._folded, scorer=fuzz.partial_ratio, limit=LIMIT)
        return [self._names[no] for _, _, no in found]
