"""The form „Sicherungsprotokoll“ on paper: the fields of the vendor's form in its order (seed 003, at its end).

Then what proves it, as annexes of ours: restore, media, looks at the log, sizes over time.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from praxisd.kernel.access import Actor
from praxisd.kernel.paper import Box, Column, Paper
from praxisd.model.backup_kept import MediumKept, RunKept
from praxisd.services.backups import whereabouts_rules
from praxisd.services.backups.plans import media
from praxisd.services.backups.protocol import plotting
from praxisd.services.backups.protocol.form_facts import FormFacts, gather
from praxisd.services.backups.protocol.form_words import FormWords
from praxisd.services.backups.protocol.log_view import why

if TYPE_CHECKING:
    from praxisd.kernel.app import House

NAME = "sicherungsprotokoll.pdf"
_PLOT_DAYS = 180


def paper(house: "House", actor: Actor, lang: str) -> Paper:
    """The form of the actor's practice as it stands now."""
    facts = gather(house, actor, lang)
    words = FormWords(house, facts, lang)
    now = datetime.fromtimestamp(facts.book.around.now, words.zone)
    name = facts.practice.name if facts.practice else house.config.instance
    made = Paper(words.say("title"), lang, organization=name, printed=now)
    _who(made, words)
    _settings(made, words)
    _instruction(made, words)
    _test(made, words)
    _signed(made, words)
    _proof(made, words)
    _media(made, words)
    _looks(made, words)
    _plots(house, made, words)
    return made


def _who(made: Paper, words: FormWords) -> None:
    practice = words.facts.practice
    address = practice.address[0] if practice is not None and practice.address else None
    unknown = words.say("unknown")
    street = ", ".join(address.line) if address else ""
    city = " ".join(filter(None, (address.postal_code, address.city))) if address else ""
    made.heading(words.say("practice"))
    made.facts(
        [
            (words.say("name"), practice.name if practice else unknown),
            (words.say("street"), street or unknown),
            (words.say("city"), city or unknown),
        ]
    )
    made.heading(words.say("technician"))
    said = words.facts.value("technician") or words.facts.partner
    made.text(said or words.say("unanswered"))


def _settings(made: Paper, words: FormWords) -> None:
    say = words.say
    made.heading(say("about"))
    made.facts(
        [
            (say("device"), words.device()),
            (say("program"), words.software()),
            (say("medium"), words.media()),
            (say("number"), words.count()),
            (say("encryption"), words.encryption()),
            (say("password_of"), words.password()),
            (say("no_encryption"), words.unencrypted()),
        ]
    )
    made.heading(say("settings"))
    rows = [
        (say("kind_of"), words.kind()),
        (say("on_days"), words.days()),
        (say("begins"), words.begin()),
        (say("log"), words.log()),
    ]
    rows += [(say("extra_no", no=number), told) for number, told in enumerate(words.extras(), 1)]
    if len(rows) < 6:
        rows.append((say("extra_no", no=2), say("none" if words.facts.value("extra_1") else "unanswered")))
    rows.append((say("monitoring"), words.monitoring()))
    made.facts(rows)
    made.heading(say("content"))
    made.facts(
        [
            (say("folders"), words.folders()),
            (say("databases"), f"{words.databases()}\n{words.sql_plugin()}"),
            (say("left_out"), words.left_out()),
            (say("extra_products"), words.answer("extra_products")),
        ]
    )


def _instruction(made: Paper, words: FormWords) -> None:
    say = words.say
    made.heading(say("instruction"))
    made.points(say(f"instruction_{one}") for one in ("access", "changes", "daily"))
    made.text(say("instruction_ours"), small=True)
    made.heading(say("encrypted"))
    if not words.facts.variant:
        made.text(say("no_plan"))
    else:
        external = words.facts.variant == "external"
        made.text(say("encrypted_own" if external else "encrypted_text"))


def _test(made: Paper, words: FormWords) -> None:
    say, facts = words.say, words.facts
    good, proven = (None, None) if facts.damaged else (facts.good, facts.proven)
    test_none, proof_none = say("test_none"), say("proof_none")
    if facts.damaged:
        labels = ", ".join(one.medium.label for one in words.ordered() if one.medium.id in facts.damaged)
        test_none = proof_none = say("damaged_media", labels=labels)
    reason, declined = facts.value("no_test_run"), facts.value("proof_declined") == "yes"
    made.heading(say("test"))
    made.checkboxes(
        [
            Box(say("test_done"), good is not None, _run_note(words, good) if good else test_none),
            Box(
                say("test_impossible"),
                facts.good is None and bool(reason),
                reason if facts.good is None and reason else say("unanswered") if facts.good is None else "",
            ),
            Box(
                say("proof_done"),
                proven is not None,
                _proof_note(words, proven) if proven else proof_none,
            ),
            Box(say("proof_declined"), proven is None and declined),
        ]
    )


def _run_note(words: FormWords, run: RunKept) -> str:
    at = words.moment(run.ended or run.asked)
    return words.say("test_note", at=at, where=_where(words, run))


def _where(words: FormWords, run: RunKept) -> str:
    """The label of the medium a run was about."""
    for one in words.facts.media:
        if one.medium.id == run.medium:
            return one.medium.label
    return words.say(f"use.{run.slot}") if run.slot in ("nas", "remote", "folder") else words.say("unknown")


def _proof_note(words: FormWords, run: RunKept) -> str:
    at = words.moment(run.ended or run.asked)
    return words.say("proof_note", at=at, where=_where(words, run))


def _signed(made: Paper, words: FormWords) -> None:
    say = words.say
    made.heading(say("instructed"))
    made.text(say("instructed_in"), small=True)
    people = words.facts.value("instructed")
    if people:
        made.points(people.splitlines())
    else:
        made.text(say("hidden" if words.facts.masked else "unanswered"))
    made.heading(say("confirmed"))
    made.points(say(f"confirm_{one}") for one in ("all", "people", "duty"))
    made.signatures([say("signature")] * 3)
    made.stamp(say("stamp"))


def _proof(made: Paper, words: FormWords) -> None:
    say, facts = words.say, words.facts
    made.heading(say("annex_proof"))
    if not facts.proofs:
        made.text(say("proof_never"))
        return
    last = facts.proven
    if last is not None:
        told = last.facts
        made.text(say("proof_how"), small=True)
        pairs = [
            (say("proof_at"), words.moment(last.ended or last.asked)),
            (say("proof_from"), _where(words, last)),
            (say("proof_files"), _number(words, last.figures.files if last.figures else None)),
            (say("proof_bytes"), _size(words, last.figures.bytes if last.figures else None)),
            (say("proof_rows"), _number(words, told.get("rows"))),
            (say("proof_picked"), _number(words, told.get("picked"))),
            (
                say("proof_started"),
                say("proof_started_yes") if "started" in told else say("proof_started_no"),
            ),
        ]
        made.facts(pairs)
    made.table(
        [Column(say("at"), 2), Column(say("from"), 2), Column(say("result"), 4)],
        [
            (words.moment(one.ended or one.asked), _where(words, one), _result(words, one))
            for one in facts.proofs
        ],
    )


def _result(words: FormWords, run: RunKept) -> str:
    state = words.say(f"run.{run.state}")
    told = why(words.house, run, words.lang)
    return f"{state}: {told}" if told else state


def _number(words: FormWords, value: object) -> str:
    if not isinstance(value, int):
        return words.say("unknown")
    sign = "." if words.lang.startswith("de") else ","
    return f"{value:,}".replace(",", sign)


def _size(words: FormWords, value: int | None) -> str:
    if value is None:
        return words.say("unknown")
    if value < 10_000_000:
        return f"{_number(words, max(1, value // 1000))} kB"
    return f"{_number(words, value // 1_000_000)} MB"


def _media(made: Paper, words: FormWords) -> None:
    say = words.say
    made.heading(say("annex_media"))
    columns = [
        Column(say("label"), 2),
        Column(say("where"), 3),
        Column(say("person"), 2),
        Column(say("written"), 2),
        Column(say("read"), 2),
        Column(say("key"), 1.6),
    ]
    made.table(columns, [_medium(words, one) for one in words.ordered()])


def _medium(words: FormWords, one: MediumKept) -> tuple[str, ...]:
    medium = one.medium
    place = media.whereabouts(one, {drive.id for drive in words.facts.drives})
    fixed = medium.kind != "removable"
    where = words.say(f"kind.{medium.kind}") if fixed else words.say(f"place.{place or 'unknown'}")
    if place is None and whereabouts_rules.place_of(medium) == "drive":
        where = words.say("place.taken_out")
    if medium.held:
        where += f" – {words.say('held')}"
    stay = medium.stay
    said = stay is not None and stay.person and not fixed and place == stay.place
    by = f"{words.who(stay.person)}, {words.day(stay.at)}" if said and stay is not None else "–"
    numbers = words.facts.passwords.get(medium.id, ())
    key = words.say("key_no", no=", ".join(map(str, numbers))) if numbers else words.say("unknown")
    written = words.moment(medium.written) if medium.written is not None else words.say("never")
    read = (
        words.moment(words.facts.read[medium.id]) if medium.id in words.facts.read else words.say("not_read")
    )
    if medium.id in words.facts.damaged:
        read = words.say("damaged")
    return medium.label, where, by, written, read, key


def _looks(made: Paper, words: FormWords) -> None:
    say, facts = words.say, words.facts
    made.heading(say("annex_log"))
    rows = []
    for day, check in facts.days:
        when = f"{day:%d.%m.%Y}" if words.lang.startswith("de") else day.isoformat()
        state = say(f"state.{facts.book.states[day]}")
        if check is None:
            rows.append((when, state, say("not_looked"), "", ""))
        else:
            remark = "" if facts.masked else check.remark
            rows.append((when, state, words.who(check.by), words.moment(check.at), remark))
    columns = [
        Column(say("day"), 1.3),
        Column(say("result"), 2.2),
        Column(say("looked_by"), 2),
        Column(say("at"), 1.7),
        Column(say("remark"), 2.5),
    ]
    made.table(columns, rows)


def _plots(house: "House", made: Paper, words: FormWords) -> None:
    facts: FormFacts = words.facts
    since = facts.book.around.now - _PLOT_DAYS * 86_400
    runs = [one for one in facts.runs if one.asked >= since]
    made.heading(words.say("annex_plots"))
    if not any(one.figures for one in runs):
        made.text(words.say("no_figures"))
        return
    for figure in plotting.FIGURES:
        shown = plotting.drawn(house, runs, figure, words.zone, words.lang)
        if shown.series:
            made.plot(shown)
