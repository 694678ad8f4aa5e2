"""What a service declares for the console: listings (rows people sort, filter, print and export), pages, set-up steps.

The console draws them; a later service brings a table by declaring it here and builds nothing again. Each Listing
becomes two operations, `POST /listings/<name>` and `POST /listings/<name>/export` (CSV), both under its permission.
Titles are texts: `console.list.<listing>.<column>`, words of a choice `console.word.<words>.<choice>`, pages
`console.page.<name>`.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from praxisd.kernel.clock import parse_rfc3339
from praxisd.kernel.errors import Problem
from praxisd.kernel.service import Call

if TYPE_CHECKING:
    from praxisd.kernel.app import House
    from praxisd.kernel.store import Tx

Kind = Literal["text", "number", "time", "date", "flag", "choice", "color", "minutes"]
"""`time` is RFC 3339, `date` YYYY-MM-DD, `minutes` a whole number, `choice` one of `choices`, `flag` a boolean."""
Cell = str | int | float | bool | None
GROUPS = ("day", "practice", "system")
"""Where a page stands in the navigation; in this order."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a Listing. `personal` cells are emptied for masked actors; `filter` offers it as a filter.

    `options(house, lang)` gives value and label of choices that are known only once all services are.
    """

    key: str
    kind: Kind = "text"
    sortable: bool = False
    filter: bool = False
    choices: tuple[str, ...] = ()
    words: str = ""
    personal: bool = False
    options: "Callable[[House, str], Sequence[tuple[str, str]]] | None" = None

    @property
    def vocabulary(self) -> str:
        """Under which name the words of its choices stand in the texts."""
        return self.words or self.key


class ListingQuery(msgspec.Struct, rename="camel", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to show of a listing: `sort` is a column, `-column` for descending; `filters` by column key.

    `from`/`to` (RFC 3339) bound the column named as the listing's period; `text` is searched in what the listing
    offers. `cursor` is the `next` of the page before: rows that come or go meanwhile may shift a page.
    """

    sort: Annotated[str, Meta(max_length=40)] = ""
    filters: dict[str, Annotated[str, Meta(max_length=200)]] = {}
    text: Annotated[str, Meta(max_length=200)] = ""
    from_: Annotated[str, Meta(max_length=40)] | None = msgspec.field(name="from", default=None)
    to: Annotated[str, Meta(max_length=40)] | None = None
    cursor: Annotated[str, Meta(pattern="^[0-9]{1,18}$")] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50

    @property
    def offset(self) -> int:
        """Rows to pass over."""
        return int(self.cursor or 0)


class Row(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    """One row: the record's id, its cells by column key, and `alert` where it should catch the eye."""

    id: str
    cells: dict[str, Cell]
    alert: bool = False


@dataclass(frozen=True, slots=True)
class ListingPage:
    """Rows of one page, whether more follow, and how many there are in all (None: not counted)."""

    rows: Sequence[Row]
    more: bool = False
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows people sort, filter, print and export. `name` is `<service>.<plural>`.

    `rows(call, query)` opens its own read and gives one page; `query` is checked against the columns before. `text`
    says that it can be searched, `period` names the time or date column that `from`/`to` bound, `sort` the order at
    first. An export asks for longer pages than people do: `query.limit` is up to 5,000 there.
    """

    name: str
    permission: str
    columns: tuple[Column, ...]
    rows: Callable[[Call, ListingQuery], ListingPage]
    text: bool = False
    period: str = ""
    sort: str = ""
    problems: tuple[tuple[int, str], ...] = field(default=())

    def column(self, key: str) -> Column | None:
        """The column with this key."""
        return next((one for one in self.columns if one.key == key), None)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a Form; `key` is that of the operation's body. A `number` is sent as one, an empty optional field not at all.

    Its label is the text `console.form.<form>.<key>`, a line of help `console.form.<form>.<key>_help` where there is one, words
    of a choice as in a Column.
    """

    key: str
    kind: Literal["text", "number", "date", "flag", "choice"] = "text"
    required: bool = True
    choices: tuple[str, ...] = ()
    words: str = ""

    @property
    def vocabulary(self) -> str:
        """Under which name the words of its choices stand in the texts."""
        return self.words or self.key


@dataclass(frozen=True, slots=True)
class Form:
    """Fields people fill in and send to an operation of the same service: a POST with a transaction and a plain path.

    `name` is `<service>.<what>`, `route` the operation's name; who lacks its permission does not see the form. Its heading is
    the text `console.form.<name>.title`, its button `console.form.<name>.send`.
    """

    name: str
    route: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """A page in the console's navigation: shown to who has the permission, in `group` (day, practice, system).

    With `listing` the console draws that listing, with `form` that form above it; without, the console brings a component of
    this name.
    """

    name: str
    permission: str
    group: Literal["day", "practice", "system"]
    order: int
    icon: str = "list"
    listing: str = ""
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class SetupStep:
    """A step of the set-up wizard: offered while the service is there, until it is done or somebody skips it.

    `done(house, tx)` reads in the practice's own transaction. `page` is the console page where it is done; empty where
    the wizard itself does it. Title and help are the texts `console.step.<name>.title` and `.help`.
    """

    name: str
    order: int
    done: "Callable[[House, Tx], bool]"
    page: str = ""


def check_query(listing: Listing, query: ListingQuery, masked: bool = False) -> None:
    """Refuse what the listing does not offer (`listing.not_offered`, 422) and times that are none (`clock.*`, 400).

    A masked actor is not offered what could betray personal cells: to sort by them, to filter or to search in them.
    """

    def refuse(field_: str) -> Problem:
        return Problem("listing.not_offered", 422, field=field_)

    if query.sort:
        column = listing.column(query.sort.removeprefix("-"))
        if column is None or not column.sortable or (masked and column.personal):
            raise refuse("sort")
    for key in query.filters:
        column = listing.column(key)
        if column is None or not column.filter or (masked and column.personal):
            raise refuse("filters")
    if query.text and not searchable(listing, masked):
        raise refuse("text")
    for name, text in (("from", query.from_), ("to", query.to)):
        if text is not None:
            parse_rfc3339(text, name)
            if not listing.period:
                raise refuse(name)


def searchable(listing: Listing, masked: bool) -> bool:
    """True if the caller may search in the listing's texts."""
    return listing.text and not (masked and any(one.personal for one in listing.columns))


def folded(value: Cell) -> str:
    """What texts are searched and ordered by: without capitals and accents, `ß` as `ss`."""
    plain = unicodedata.normalize("NFKD", str(value).casefold())
    return "".join(c for c in plain if not unicodedata.combining(c))


def arrange(listing: Listing, rows: Iterable[Row], query: ListingQuery) -> ListingPage:
    """Filter, search, sort and cut rows that are few by nature (hundreds, not hundreds of thousands)."""
    found = [one for one in rows if _kept(listing, one, query)]
    order = query.sort or listing.sort
    key = order.removeprefix("-")
    if key:
        down = order.startswith("-")
        column = listing.column(key)
        ranks = {
            word: rank for rank, word in enumerate(column.choices if column else ())
        }  # in the order declared
        found.sort(
            key=lambda one: _rank(ranks.get(str(one.cells.get(key)), one.cells.get(key))), reverse=down
        )
        found.sort(key=lambda one: one.cells.get(key) is None)  # nothing stands last, whichever way
    end = query.offset + query.limit
    return ListingPage(found[query.offset : end], more=len(found) > end, total=len(found))


def _kept(listing: Listing, row: Row, query: ListingQuery) -> bool:
    for key, wanted in query.filters.items():
        column = listing.column(key)
        value = row.cells.get(key)
        if column is not None and column.kind == "text":
            if folded(wanted) not in folded(value or ""):
                return False
        elif _word(value) != wanted:
            return False
    if listing.period and not _within(listing, row, query):
        return False
    texts = [folded(v) for v in row.cells.values() if isinstance(v, str)]
    return all(any(word in one for one in texts) for word in folded(query.text).split())


def _within(listing: Listing, row: Row, query: ListingQuery) -> bool:
    """Is the row's time in the period asked for? Dates are compared as the dates of `from` and `to` themselves."""
    at = str(row.cells.get(listing.period) or "")
    if not at:
        return not (query.from_ or query.to)
    column = listing.column(listing.period)
    if column is not None and column.kind == "date":
        return (query.from_ or "")[:10] <= at and (not query.to or at < query.to[:10])
    moment = parse_rfc3339(at)
    early = bool(query.from_) and moment < parse_rfc3339(query.from_ or "", "from")
    return not early and not (query.to and moment >= parse_rfc3339(query.to, "to"))


def _word(value: Cell) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)


def _rank(value: Cell) -> tuple[int, float, str]:
    """Numbers by size, texts without regard to capitals and accents."""
    if value is None:
        return (2, 0, "")
    if isinstance(value, bool | int | float):
        return (0, float(value), "")
    return (1, 0, folded(value))


def masked(listing: Listing, rows: Sequence[Row]) -> list[Row]:
    """The rows without what a masked actor may not see."""
    hidden = {one.key for one in listing.columns if one.personal}
    return [
        msgspec.structs.replace(row, cells={k: None if k in hidden else v for k, v in row.cells.items()})
        for row in rows
    ]
