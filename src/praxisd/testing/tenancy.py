"""The tenancy watch: a statement on a table with `organization` must bind it, or say that it reads across
on purpose.

Installed for all tests (`Store.WATCHERS`), so a forgotten `WHERE organization = :organization` fails the
first
test that runs the statement. What is accepted, per table and per SELECT: a conjunct `organization =
:organization`, or
`organization = <column organization of a table that is bound>`. Inside an OR it does not count.
Exceptions: `Prepared.across`, or the execution option `across=True`.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BinaryExpression, BindParameter, BooleanClauseList, ColumnClause, Grouping
from sqlalchemy.sql.selectable import CompoundSelect, FromClause, Join, Select, TableClause

COLUMN = "organization"


class TenancyFault(AssertionError):
    """A statement could see or touch rows of another organization."""


def watch(statement: Any, _tx: object) -> None:
    """Raise TenancyFault for a statement that does not stay inside the transaction's organization."""
    if not isinstance(statement, sa.Executable) or statement.get_execution_options().get("across"):
        return
    if isinstance(statement, sa.Insert):
        _check_insert(statement)
    elif isinstance(statement, sa.Update | sa.Delete):
        _check_where([statement.table], statement.whereclause, set(), statement)
        for inner in _inner(statement):
            _check_select(inner, _bound([statement.table], statement.whereclause, set()))
    elif isinstance(statement, Select | CompoundSelect):
        _check_select(statement, set())


def _check_insert(statement: Any) -> None:
    table = statement.table
    if COLUMN not in table.c:
        return
    given = statement._values
    names = None if given is None else {getattr(c, "key", c) for c in given}
    if names is not None and COLUMN not in names:
        raise TenancyFault(f"INSERT into {table.name} without {COLUMN}")
    conflict = statement._post_values_clause
    if conflict is not None and hasattr(conflict, "update_values_to_set"):
        targets = {getattr(c, "name", c) for c in conflict.inferred_target_elements or ()}
        if COLUMN not in targets:
            raise TenancyFault(
                f"upsert into {table.name} by a key without {COLUMN} may change a stranger's row"
            )
    for inner in _inner(statement):
        _check_select(inner, set())


def _check_select(statement: Any, outer: set[Any]) -> None:
    if isinstance(statement, CompoundSelect):
        for one in statement.selects:
            _check_select(one, outer)
        return
    where = statement.whereclause
    froms: list[Any] = list(statement.get_final_froms())
    _check_where(froms, where, outer, statement)
    bound = _bound(froms, where, outer)
    for inner in _inner(statement):
        _check_select(inner, bound)


def _check_where(froms: list[Any], where: Any, outer: set[Any], statement: Any) -> None:
    bound = _bound(froms, where, outer)
    for one in _tables(froms):
        if COLUMN in one.c and one not in bound:
            raise TenancyFault(
                f"{getattr(one, 'name', one)} is not bound to one {COLUMN}: {str(statement)[:300]}"
            )


def _tables(froms: list[Any]) -> Iterator[Any]:
    """The tables and their aliases among `froms`; a subquery answers for itself."""
    for one in froms:
        if isinstance(one, Join):
            yield from _tables([one.left, one.right])
        elif isinstance(one, TableClause) or isinstance(getattr(one, "element", None), TableClause):
            yield one


def _bound(froms: list[Any], where: Any, outer: set[Any]) -> set[Any]:
    """Tables whose organization is fixed by the conjuncts of the WHERE and of inner joins."""
    conditions: list[tuple[Any, list[Any] | None]] = [(c, None) for c in _conjuncts(where)]
    conditions += [one for f in froms for one in _join_conditions(f)]
    bound = set(outer)
    grew = True
    while grew:
        grew = False
        for condition, only in conditions:
            if not (isinstance(condition, BinaryExpression) and condition.operator is operators.eq):
                continue
            for column, other in ((condition.left, condition.right), (condition.right, condition.left)):
                if not (isinstance(column, ColumnClause) and column.name == COLUMN):
                    continue
                fixed = isinstance(other, BindParameter) and other.key == COLUMN
                fixed |= isinstance(other, ColumnClause) and other.name == COLUMN and other.table in bound
                if fixed and column.table not in bound and (only is None or column.table in only):
                    bound.add(column.table)
                    grew = True
    return bound


def _join_conditions(one: Any) -> Iterator[tuple[Any, list[Any] | None]]:
    """Conditions of joins, and which tables they can bind: an outer join lets rows of its kept side
    through.
    """
    if isinstance(one, Join):
        yield from _join_conditions(one.left)
        yield from _join_conditions(one.right)
        only = [] if one.full else list(_tables([one.right])) if one.isouter else None
        for condition in _conjuncts(one.onclause):
            yield condition, only


def _conjuncts(condition: Any) -> Iterator[Any]:
    if isinstance(condition, Grouping):
        yield from _conjuncts(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for one in condition.clauses:
            yield from _conjuncts(one)
    elif condition is not None:
        yield condition


def _inner(statement: Any) -> Iterator[Any]:
    """The SELECTs directly inside a statement (in FROM, WHERE, columns or values), not those inside them
    again.
    """
    for child in statement.get_children():
        if isinstance(child, Select | CompoundSelect):
            yield child
        elif not isinstance(child, FromClause) or hasattr(child, "element") or isinstance(child, Join):
            yield from _inner(child)
