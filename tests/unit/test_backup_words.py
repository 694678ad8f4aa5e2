"""The words of the backup rules: every code is explained in both languages, by params it really has."""

import pytest

from praxisd.kernel.schedule import WEEKDAYS
from praxisd.kernel.texts import Texts
from praxisd.model.backup import ImagePlan
from praxisd.services.backups import (
    anomaly_rules,
    engine,
    media_rules,
    plan_rules,
    plan_watch_rules,
    retention_rules,
    whereabouts_rules,
)
from praxisd.services.backups.plan_rules import make, slots

TEXTS = Texts(["praxisd.services.backups"])
TOLD = (
    *media_rules.CODES,
    *plan_watch_rules.CODES,
    *anomaly_rules.CODES,
    *whereabouts_rules.CODES,
)
REFUSED = (*plan_rules.CODES, *whereabouts_rules.REFUSALS)
WANTED, BOTH = frozenset({"expected"}), frozenset({"expected", "label"})
LABEL, VALUES = frozenset({"label"}), frozenset({"value", "usual"})
PARAMS = {
    **dict.fromkeys(media_rules.CODES, WANTED),
    **dict.fromkeys((media_rules.WRONG, media_rules.HELD, media_rules.RETIRED), BOTH),
    **dict.fromkeys((media_rules.UNLISTED, media_rules.SUBSTITUTE), BOTH),
    media_rules.LOCKED: {*BOTH, "until"},
    media_rules.NEARLY_FULL: {"label", "runs"},
    plan_watch_rules.IMAGE_DUE: LABEL,
    plan_watch_rules.EXTERNAL_OLD: {"hours"},
    **dict.fromkeys(anomaly_rules.CODES, VALUES),
    **dict.fromkeys(whereabouts_rules.CODES, LABEL),
    whereabouts_rules.OVERDUE: {"label", "hours"},
    whereabouts_rules.OLD: {"days"},
    whereabouts_rules.BRING: {"label", "day"},
}


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_code_is_explained(lang: str) -> None:
    for code in TOLD:
        for part in ("title", "cause", "solution", "hint"):
            assert TEXTS.has(f"{code}.{part}", lang), f"{code}.{part}"
            assert TEXTS.placeholders(f"{code}.{part}", lang) <= PARAMS[code], f"{code}.{part}"
    for code in REFUSED:
        for part in ("title", "cause", "solution"):
            assert TEXTS.has(f"{code}.{part}", lang), f"{code}.{part}"
            assert not TEXTS.placeholders(f"{code}.{part}", lang), f"{code}.{part}"
    assert all(TEXTS.get(f"{code}.solution", lang).startswith("1. ") for code in (*TOLD, *REFUSED))


def test_codes_are_one_each() -> None:
    codes = [*TOLD, *REFUSED, *engine.CODES]
    assert len(codes) == len(set(codes))
    assert all(code.startswith("backups.") for code in codes)
    assert set(retention_rules.CODES) <= set(plan_rules.CODES)


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_slot_has_a_label_of_its_own(lang: str) -> None:
    image = ImagePlan(media=6)
    every = {
        one.id
        for plan in (make("variant1", days=WEEKDAYS, image=image), make("external"))
        for one in (*slots(plan), *slots(make("variant3", under="variant2")))
    }
    labels = {TEXTS.get(f"backups.slot.{one}", lang) for one in every}
    assert len(labels) == len(every)


def test_labels_as_the_seed_speaks() -> None:
    assert TEXTS.get("backups.slot.mon_away", "de") == "Mo extern"
    assert TEXTS.get("backups.slot.mon_here", "de") == "Mo Praxis"
