"""Right before a message goes out everything is asked anew, whatever became of the handlers. On both engines."""

from datetime import date
from typing import Any

import msgspec
import pytest

from praxisd.kernel.errors import Problem
from praxisd.model.people import Contact
from praxisd.services.calendar import api as calendar
from praxisd.services.directory import api as directory
from praxisd.services.directory import store as people
from praxisd.services.messaging import api as messaging
from praxisd.services.messaging import last_look, ledger, outcome, outgoing_store
from praxisd.services.messaging.outbox_declared import DAY_CAP

from .reminders_cast import Cast, cast


@pytest.fixture
def there(house: Any) -> Cast:
    return cast(house)


def prepared(there: Cast, **more: Any) -> tuple[str, str, str]:
    """Patient, appointment and message of one reminder."""
    anna = there.patient("Anna", **more)
    one = there.book(anna, "2026-11-24 15:00")
    there.run()
    return anna, one, there.outbox()[-1].id


def look(there: Cast, id_: str) -> str | None:
    """What the sender does with the message now, without any handler having been there."""

    def work(tx: Any) -> str | None:
        return last_look.put_aside(
            there.house, tx, outgoing_store.get(tx, id_), last_look.day(there.house, tx)
        )

    return there.do(work)  # type: ignore[no-any-return]


def reason(there: Cast, id_: str) -> tuple[str, str | None]:
    """State and reason of the message."""
    return next((row.state, row.reason) for row in there.outbox() if row.id == id_)


def merge(there: Cast, kept: str, dropped: str) -> str:
    refs = tuple(ref for one in there.house.registry.services for ref in one.patient_refs)
    return str(there.do(lambda tx: directory.merge(tx, refs, kept, dropped)))


def test_what_is_in_order_goes_out(there: Cast) -> None:
    _, _, id_ = prepared(there)
    assert look(there, id_) is None


@pytest.mark.parametrize(
    "fields", [{"deceased": date(2026, 11, 22)}, {"deceased_undated": True}, {"active": False}]
)
def test_nothing_goes_to_the_dead_nor_to_a_record_out_of_use(there: Cast, fields: dict[str, Any]) -> None:
    anna, _, id_ = prepared(there)
    there.change(anna, **fields)
    assert look(there, id_) == "withdrawn"
    assert reason(there, id_) == ("withdrawn", "messaging.patient_gone")


def test_a_record_that_goes_on_and_wishes_letters_gets_one(there: Cast) -> None:
    anna, one, id_ = prepared(there)
    other = there.patient("Anna")
    there.do(lambda tx: messaging.prefer(there.house, tx, other, "letter"))
    merge(there, other, anna)
    assert look(there, id_) == "withdrawn"
    assert reason(there, id_) == ("withdrawn", "messaging.consent_stopped")
    there.tell()
    assert there.refusals() == {one: "reminders.prefers_letter"}
    assert [row.letter for row in there.outbox("failed")] == ["open"]


def test_nothing_about_the_appointment_of_somebody_else(there: Cast) -> None:
    anna, anne = there.patient("Anna", "0160 1111111"), there.patient("Anne", "0160 2222222")
    one = there.book(anne, "2026-11-24 15:00")
    undone = merge(there, anna, anne)
    there.run()
    (message,) = there.outbox()
    assert message.patient == anna
    refs = tuple(ref for one in there.house.registry.services for ref in one.patient_refs)
    there.do(lambda tx: directory.undo(tx, refs, undone))
    assert look(there, message.id) == "withdrawn"
    there.tell()
    (right,) = there.outbox("prepared")
    assert (right.patient, right.address, right.appointment) == (anne, "+491602222222", one)
    assert look(there, right.id) is None


def test_who_pays_needs_a_licence_on_the_day_of_sending(there: Cast) -> None:
    _, _, id_ = prepared(there)

    def ends(tx: Any) -> None:
        one = people.mandators.need(tx, there.mandator)
        people.mandators.save(tx, msgspec.structs.replace(one, licence_to=date(2026, 11, 22)))

    there.do(ends)
    assert look(there, id_) == "withdrawn"
    assert reason(there, id_) == ("withdrawn", "messaging.mandator_gone")


def test_only_what_went_out_counts_for_the_cap_of_the_day(there: Cast) -> None:
    """Two entries that ask for a letter, then a number: both reminders go out today (cap 2), a third one does not."""
    there.set(days=7)
    anna = there.patient("Anna", None)
    for day in (24, 25):
        there.book(anna, f"2026-11-{day} 15:00")
    there.run()
    there.change(anna, telecom=(Contact(system="phone", value="0160 1234567", use="mobile"),))
    there.tell()
    first, second = there.outbox("prepared")
    assert look(there, first.id) is None and look(there, second.id) is None
    there.sent(first.id, state="failed")
    assert look(there, second.id) is None, "refused at once: it never went out"
    there.do(lambda tx: there.house.settings.put(tx, DAY_CAP, 1))
    assert look(there, second.id) is None
    there.do(lambda tx: outgoing_store.change(tx, first.id, ("failed",), accepted_at=tx.now))
    assert look(there, second.id) == "waiting", "it went out and was lost on the way"
    assert reason(there, second.id) == ("prepared", "messaging.day_cap")


def test_what_is_under_way_cannot_be_taken_back(there: Cast) -> None:
    _, one, id_ = prepared(there)
    there.credits(3)
    there.do(lambda tx: outgoing_store.change(tx, id_, ("prepared",), state="unsure", sending_at=tx.now))
    with pytest.raises(Problem) as refused:
        there.do(lambda tx: ledger.book(tx, there.mandator, -3))
    assert refused.value.code == "messaging.credits_below_zero"
    there.do(lambda tx: ledger.book(tx, there.mandator, -2))
    there.do(
        lambda tx: outcome.accept(tx, outgoing_store.get(tx, id_), outcome.Route("sandbox", False), "r1")
    )
    with there.house.store.read(there.actor) as tx:
        assert ledger.left(tx, there.mandator) == 0
        assert calendar.get(tx, one).status == "booked"
