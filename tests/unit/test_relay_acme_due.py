"""When the certificate from an authority is due: from what is remembered alone."""

from datetime import UTC, datetime

import msgspec
import pytest
import trustme

from praxisd.services.relay import acme_record
from praxisd.services.relay.acme_record import DAY_S, HOUR_S, Progress, Record, Wish

DIRECTORY = "https://ca.example/directory"
WISH = Wish(DIRECTORY, "", ("a.relay.example", "old.relay.example"), 1)
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)
ENDS = datetime(2026, 4, 1, tzinfo=UTC)
NOW = int(BEGINS.timestamp())


def issued(*names: str) -> str:
    leaf = trustme.CA().issue_cert(*names, not_before=BEGINS, not_after=ENDS)
    return b"".join(one.bytes() for one in leaf.cert_chain_pems).decode()


CHAIN = issued(*WISH.names)
GOOD = Record(
    Progress(directory=DIRECTORY, issuer=DIRECTORY, tried=WISH.mark), CHAIN, WISH.names, int(ENDS.timestamp())
)


def but(**progress: object) -> Record:
    return GOOD._replace(progress=msgspec.structs.replace(GOOD.progress, **progress))


def test_renewed_when_a_third_of_its_life_is_left_and_not_all_on_one_day() -> None:
    life = int((ENDS - BEGINS).total_seconds())
    times = {Record(chain=issued("a.example")).renew_at - NOW for _ in range(20)}
    assert len(times) > 10
    assert all(life * (2 / 3 - 1 / 30) - 1 <= one <= life * 2 / 3 + 1 for one in times)
    assert GOOD.renew_at == Record(chain=CHAIN).renew_at, "the same each time it is asked for"
    assert not acme_record.due(GOOD, WISH, GOOD.renew_at - 1)
    assert acme_record.due(GOOD, WISH, GOOD.renew_at)


@pytest.mark.parametrize(
    ("record", "wish", "expected"),
    [
        (Record(), WISH, True),
        (Record(), WISH._replace(names=(), needed=0), False),
        (Record(), WISH._replace(directory=""), False),
        (GOOD, WISH, False),
        (GOOD, WISH._replace(names=("a.relay.example",)), True),
        (but(skipped=("old.relay.example",)), WISH, True),
        (but(skipped=("old.relay.example",))._replace(names=("a.relay.example",)), WISH, False),
        (GOOD, WISH._replace(directory="https://other.example/"), True),
        (but(asks=2, done=1), WISH, True),
    ],
)
def test_what_makes_it_due(record: Record, wish: Wish, expected: bool) -> None:
    assert acme_record.due(record, wish, NOW) is expected


def test_after_a_failure_it_waits_unless_something_else_is_wished_for() -> None:
    failed = Record(
        Progress(directory=DIRECTORY, tried=WISH.mark, not_before=NOW + 100, code="relay.acme_failed")
    )
    assert not acme_record.due(failed, WISH, NOW + 99)
    assert acme_record.due(failed, WISH, NOW + 100)
    assert acme_record.due(failed, WISH._replace(email="it@praxis.example"), NOW)
    asked = failed._replace(progress=msgspec.structs.replace(failed.progress, asks=1))
    assert acme_record.due(asked, WISH, NOW)
    told = failed._replace(progress=msgspec.structs.replace(failed.progress, asks=1, told=True))
    assert not acme_record.due(told, WISH, NOW), "the authority said when"
    assert not acme_record.due(told, WISH._replace(names=("b.relay.example",)), NOW), "whatever is wished for"
    assert acme_record.due(told, WISH._replace(directory="https://other.example/"), NOW), "but not of another"


def test_pauses_double_from_an_hour_to_a_day() -> None:
    hours = [acme_record.pause_s(one, 0) / HOUR_S for one in (1, 2, 3, 4, 5, 6, 500)]
    assert hours == [1, 2, 4, 8, 16, 24, 24]
    assert acme_record.pause_s(1, 1.0) == 3_960
    assert acme_record.pause_s(500, 1.0) <= 1.1 * DAY_S
