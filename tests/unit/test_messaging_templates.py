"""Templates: what may stand in them, how they are filled in, and the proposals that ship."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praxisd.kernel.errors import Problem
from praxisd.model.communication import Template
from praxisd.model.people import Address, Contact
from praxisd.model.places import Organization
from praxisd.services.calendar.api import AppointmentFacts
from praxisd.services.directory.api import ContactFacts
from praxisd.services.messaging import template_rules as rules
from praxisd.services.messaging import templates, values, wording
from praxisd.services.messaging.segments import BASIC, EXTENDED, measure

BERLIN = ZoneInfo("Europe/Berlin")
START = int(datetime(2026, 2, 2, 8, 30, tzinfo=BERLIN).timestamp())
PRACTICE = Organization(
    name="Praxis Dr. Beispiel",
    telecom=(Contact(system="phone", value="030 23125-100"),),
    address=(Address(line=("Musterstraße 1",), postal_code="10115", city="Berlin"),),
)
EVA = ContactFacts(
    id="e", version=1, family="Müller", given="Eva", prefix="Dr.", gender="female", birth_date="1980-02-01"
)
VISIT = AppointmentFacts(
    "a", 1, "booked", START, START + 1800, "e", "Kontrolle", "Dr. Arzt", "Zimmer 2", ("Dr. Arzt",)
)
ALL = "|".join(f"{name}={{{name}}}" for name, kinds in rules.PLACEHOLDERS.items() if "reminder" in kinds)


def template(text: str, subject: str = "", **more: Any) -> Template:
    return Template(
        **({"kind": "reminder", "channel": "email", "language": "de"} | more), subject=subject, text=text
    )


def filled(text: str, *, person: ContactFacts = EVA, about: Any = VISIT, **more: Any) -> str:
    one = template(text, **more)
    day = None if about else date(2026, 2, 1)
    return rules.render(one, values.Values(one.kind, one.language, PRACTICE, person, about, day, BERLIN))[1]


def test_every_placeholder_of_a_reminder() -> None:
    assert filled(ALL.replace("|", "\n")).splitlines() == [
        "salutation=Sehr geehrte Frau Dr. Müller",
        "name=Eva Müller",
        "givenName=Eva",
        "familyName=Müller",
        "weekday=Montag",
        "date=2. Februar",
        "time=08:30",
        "duration=30 Minuten",
        "appointmentType=Kontrolle",
        "practitioner=Dr. Arzt",
        "place=Zimmer 2",
        "practice=Praxis Dr. Beispiel",
        "practicePhone=030 23125-100",
        "practiceAddress=Musterstraße 1, 10115 Berlin",
    ]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("de", "Sehr geehrte Frau Dr. Müller: Montag, 2. Februar, 08:30"),
        ("fr", "Madame Müller: lundi, 2 février, 8h30"),
        ("it", "Gentile Signora Müller: lunedì, 2 febbraio, 08:30"),
        ("en", "Dear Ms Müller: Monday, 2 February, 08:30"),
    ],
)
def test_each_language_in_its_own_way(language: Any, expected: str) -> None:
    assert filled("{salutation}: {weekday}, {date}, {time}", language=language) == expected


def test_the_first_of_a_month_in_french_and_august_in_an_sms() -> None:
    august = VISIT._replace(start=int(datetime(2026, 8, 1, 9, 0, tzinfo=BERLIN).timestamp()))
    assert filled("{date}", about=august, language="fr") == "1er août"
    assert filled("{date}", about=august, language="fr", channel="sms") == "1er aout"


@pytest.mark.parametrize(
    ("born", "gender", "expected"),
    [
        ("1980-02-01", "male", "Sehr geehrter Herr Dr. Müller"),
        ("1980-02-01", "other", "Guten Tag Eva Müller"),
        ("1980", "female", "Sehr geehrte Frau Dr. Müller"),
        ("2008-02-03", "female", "Guten Tag Eva Müller"),  # 18 tomorrow
        ("2008-02-02", "female", "Sehr geehrte Frau Dr. Müller"),
        ("2020-02-02", "female", "Guten Tag Eva Müller"),
    ],
)
def test_nobody_is_spoken_to_wrongly(born: str, gender: str, expected: str) -> None:
    person = ContactFacts(
        id="e", version=1, family="Müller", given="Eva", prefix="Dr.", gender=gender, birth_date=born
    )
    assert filled("{salutation}", person=person) == expected


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("1980-02-01", date(2026, 2, 1), "46"),
        ("1980-02-29", date(2026, 3, 1), "46"),
        ("1980-02-29", date(2026, 2, 28), "46"),
        ("1980-02-29", date(2026, 2, 27), "45"),
        ("1980-03-31", date(2026, 3, 30), "45"),
        ("1980", date(2026, 3, 30), ""),
    ],
)
def test_the_age_on_a_birthday(born: str, day: date, age: str) -> None:
    person = ContactFacts(id="e", version=1, family="Müller", birth_date=born)
    assert values.Values("birthday", "de", PRACTICE, person, None, day, BERLIN)["age"] == age


@pytest.mark.parametrize(
    ("born", "today", "expected"),
    [
        ("1980-02-29", date(2026, 1, 1), date(2026, 2, 28)),
        ("1980-02-29", date(2027, 3, 1), date(2028, 2, 29)),
        ("1980-05-17", date(2026, 5, 17), date(2026, 5, 17)),
        ("1980-05-17", date(2026, 5, 18), date(2027, 5, 17)),
        ("1980-05", date(2026, 5, 18), date(2026, 5, 18)),
    ],
)
def test_the_next_birthday(born: str, today: date, expected: date) -> None:
    assert values.birthday(ContactFacts(id="e", version=1, family="M", birth_date=born), today) == expected


def test_what_is_missing_leaves_no_gap() -> None:
    bare = VISIT._replace(service="", practitioner="", location="")
    assert filled("Termin {appointmentType} bei {practitioner}, {place}.", about=bare) == (
        "Termin bei Praxis Dr. Beispiel, Musterstraße 1, 10115 Berlin."
    )
    nobody = ContactFacts(id="e", version=1, family="Müller")
    assert (
        filled("Guten Tag {givenName} {familyName},\nbis bald  …", person=nobody)
        == "Guten Tag Müller,\nbis bald …"
    )


def test_what_leads_up_to_a_missing_telephone_goes_with_it() -> None:
    bare = msgspec.structs.replace(PRACTICE, telecom=(), address=())
    one = template(
        "{practice}\n{practiceAddress}\n\nBitte anrufen: {practicePhone}. Verhindert? Tel. {practicePhone}. Bis bald."
    )
    text = rules.render(one, values.Values(one.kind, one.language, bare, EVA, VISIT, None, BERLIN))[1]
    assert text == "Praxis Dr. Beispiel\n\nBitte anrufen. Verhindert? Tel. Bis bald."


def test_values_are_never_read_again_and_stay_on_one_line() -> None:
    odd = ContactFacts(id="e", version=1, family="{time}\nBcc: x", given="{{")
    assert filled("{name}!", person=odd) == "{{ {time} Bcc: x!"
    assert filled("{{name}} {name}") == "{name} Eva Müller"
    one = rules.render(
        template("x", "Für {familyName}"), values.Values("reminder", "de", PRACTICE, odd, VISIT, None, BERLIN)
    )
    assert one[0] == "Für {time} Bcc: x"


@pytest.mark.parametrize(
    ("kind", "channel", "subject", "text", "code", "params"),
    [
        ("reminder", "sms", "", "Hallo {vorname}", "placeholder_unknown", {"placeholder": "vorname"}),
        ("reminder", "sms", "", "Hallo {Name}", "placeholder_unknown", {"placeholder": "Name"}),
        (
            "reminder",
            "sms",
            "",
            "{name.__class__}",
            "placeholder_unknown",
            {"placeholder": "{name.__class__}"},
        ),
        ("reminder", "sms", "", "{}", "placeholder_unknown", {"placeholder": "{}"}),
        ("reminder", "sms", "", "Hallo\n{name", "placeholder_malformed", {"line": 2}),
        ("reminder", "sms", "", "Hallo name}", "placeholder_malformed", {"line": 1}),
        ("reminder", "sms", "", "{na{me}", "placeholder_malformed", {"line": 1}),
        ("reminder", "email", "Für {vorname}", "x", "placeholder_unknown", {"placeholder": "vorname"}),
        ("birthday", "sms", "", "Am {date}", "placeholder_unavailable", {"placeholder": "date"}),
        ("reminder", "sms", "", "Sie werden {age}", "placeholder_unavailable", {"placeholder": "age"}),
        ("reminder", "sms", "", " \n ", "template_empty", {"field": "text"}),
        ("reminder", "email", "", "Hallo", "template_empty", {"field": "subject"}),
        ("reminder", "email", "a\nBcc: b", "Hallo", "template_too_long", {"field": "subject", "limit": 200}),
        ("reminder", "email", "a", "x" * 4001, "template_too_long", {"field": "text", "limit": 4000}),
    ],
)
def test_refused_when_it_is_saved(
    kind: Any, channel: Any, subject: str, text: str, code: str, params: dict[str, Any]
) -> None:
    with pytest.raises(Problem) as refused:
        rules.check(kind, channel, subject, text)
    assert (refused.value.code, refused.value.status) == (f"messaging.{code}", 422)
    assert refused.value.params == params


@given(st.text(alphabet="{}abename \n", max_size=30))
def test_what_passes_the_check_can_always_be_filled_in(text: str) -> None:
    try:
        rules.check("reminder", "sms", "", text)
    except Problem:
        return
    assert isinstance(filled(text, channel="sms"), str)


def hinted(text: str, channel: Any = "sms", **more: Any) -> list[str]:
    found = rules.warnings("reminder", channel, "", text, filled(text, channel=channel, **more), [])
    return [one.code.removeprefix("messaging.template_") for one in found]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("{practice}: {date} {time}", []),
        ("{practice}: {date}", ["no_time"]),
        ("{date} {time}", ["no_sender"]),
        ("{practice} {date} {time} – bis bald", ["special_characters"]),
        ("{practice} {date} {time} " + "x" * 300, ["long"]),
        ("{practice} {date} {time} {appointmentType}", ["reveals"]),
        ("{practice} {date} {time} %name%", ["foreign_placeholder"]),
        ("{practice} {date} {time} <<Name>>", ["foreign_placeholder"]),
        ("{practice} {date} {time}, 100 % sicher, 20% mehr", []),
    ],
)
def test_hints(text: str, codes: list[str]) -> None:
    assert hinted(text) == codes


def test_too_many_parts_are_refused() -> None:
    rules.check_parts("sms", "x" * 918)
    rules.check_parts("email", "x" * 4000)
    with pytest.raises(Problem) as refused:
        rules.check_parts("sms", "x" * 919)
    assert refused.value.code == "messaging.template_too_long"


def test_a_text_is_kept_tidy() -> None:
    assert rules.tidy(" a\r\nb\rc\td\x00\x07 \n") == "a\nb\nc d"
    assert rules.tidy("e\u0301") == "é"


@pytest.mark.parametrize(
    ("told", "practice", "expected"),
    [("de", "fr", "de"), ("fr-CH", "de", "fr"), ("FR", "de", "fr"), ("tr", "it", "it"), (None, "en", "en"),
     ("", "de", "de"), ("den", "fr", "fr"), ("tr", "tr", "de")],
)  # fmt: skip
def test_the_language_to_write_in(told: str | None, practice: str, expected: str) -> None:
    assert templates.language_of(told, practice) == expected


def test_every_day_of_a_year_is_written_in_gsm_7() -> None:
    for language in templates.LANGUAGES:
        for n in range(366):
            at = datetime(2028, 1, 1, 9, 5) + timedelta(days=n)
            text = f"{wording.weekday(at, language)} {wording.date_of(at, language)} {wording.time_of(at, language)}"
            assert set(text.replace("août", "aout")) <= BASIC | EXTENDED, text
            assert str(at.day) in text


@pytest.mark.parametrize("language", templates.LANGUAGES)
def test_the_proposals_are_whole_and_an_sms_is_one_part_two_where_somebody_may_answer(language: Any) -> None:
    found = {(one.kind, one.channel): one for one in templates.proposals(language)}
    assert set(found) == {(kind, channel) for kind in templates.KINDS for channel in templates.CHANNELS}
    now = int(datetime(2026, 9, 21, 9, 0, tzinfo=BERLIN).timestamp())
    for one in found.values():
        rules.check(one.kind, one.channel, one.subject, one.text)
        subject, text = rules.render(one, values.sample(one.kind, language, PRACTICE, now, BERLIN))
        assert [h.code for h in rules.warnings(one.kind, one.channel, one.subject, one.text, text, [])] == []
        assert "{" not in subject + text and bool(subject) is (one.channel == "email")
        assert "appointmentType" not in rules.used(one.text, one.subject)
        if one.channel == "sms":
            taken = measure(text)
            most = 1 if one.kind in ("reminder", "birthday", "confirmation") else 2
            assert taken.encoding == "GSM-7" and taken.parts <= most, text
            # Room for a longer name of the patient or the practice.
            assert taken.left >= 10, (taken, text)
