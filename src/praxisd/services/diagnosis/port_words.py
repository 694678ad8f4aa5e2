"""What was found at ports, in words and as it goes over the wire."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from praxisd.kernel.clock import format_rfc3339
from praxisd.services.diagnosis import port_rules
from praxisd.services.diagnosis.port_rows import PortRow
from praxisd.services.diagnosis.port_rules import Result
from praxisd.services.diagnosis.port_shapes import PortResultOut, PortRowOut

if TYPE_CHECKING:
    from praxisd.kernel.app import House

Say = Callable[..., str]


def words(house: "House", state: str, why: str, lang: str) -> str:
    """A state in words, with the reason where there is one."""
    said = house.texts.get(f"diagnosis.port_state.{state}", lang)
    return (
        f"{said} ({house.texts.get(f'diagnosis.port_why.{why}', lang)})" if why in port_rules.WHYS else said
    )


def summary(house: "House", results: Iterable[Result], lang: str) -> str:
    """The worst that was found, in words."""
    return words(house, *port_rules.summary(results), lang)


def row_out(house: "House", row: PortRow, results: list[Result], lang: str) -> PortRowOut:
    """A row with all that was found for it."""
    state, why = port_rules.summary(results)
    return PortRowOut(
        id=row.id,
        source=row.source,
        source_name=row.name,
        service=row.service,
        protocol=row.protocol,  # type: ignore[arg-type]
        ports=row.ports,
        ports_text=row.ports_text,
        in_=row.in_,
        out=row.out,
        internal=row.internal,
        external=row.external,
        targets=row.targets,
        target_text=row.target_text,
        hosts=row.hosts,
        inspection=row.inspection,
        programs=row.programs,
        note=None if row.note is None else row.note.in_(lang),
        question=None if row.question is None else row.question.in_(lang),
        roles=tuple(sorted(row.roles)),
        state=state,  # type: ignore[arg-type]
        why=why,
        text=words(house, state, why, lang),
        results=tuple(_result_out(house, one, lang) for one in results),
    )


def _result_out(house: "House", one: Result, lang: str) -> PortResultOut:
    return PortResultOut(
        direction=one.direction,  # type: ignore[arg-type]
        host=one.host,
        port=one.port,
        state=one.state,  # type: ignore[arg-type]
        why=one.why,
        text=words(house, one.state, one.why, lang),
        program=one.program,
        at=format_rfc3339(one.at) if one.at else None,
    )
