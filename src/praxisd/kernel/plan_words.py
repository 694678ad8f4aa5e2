"""A plan as a person would say it („alle 2 Wochen (Mo, Do) um 10:00 Uhr“), in the words the console has for it."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

Say = Callable[..., str]
"""`say(key, **params)`: a text in the person's language."""


def plan_words(
    plan: Mapping[str, Any], say: Say, title: Callable[[str], str] = str, zone: tzinfo = UTC
) -> str:
    """The plan, in JSON as the API has it; `title` gives the title of another job."""
    every = plan.get("every", 1)
    match plan["type"]:
        case "daily":
            return f"{_times(say, every, 'daily', 'days')} {_within(plan['within'], say)}"
        case "weekly":
            days = ", ".join(say(f"cli.weekday.{day}") for day in plan["days"])
            return f"{_times(say, every, 'weekly', 'weeks')} ({days}) {_within(plan['within'], say)}"
        case "monthly":
            day = plan["day"]
            on = say("console.plan.last_day") if day == 31 else say("console.plan.day", n=day)
            return f"{_times(say, every, 'monthly', 'months')} {on} {_within(plan['within'], say)}"
        case "once":
            at = datetime.fromtimestamp(plan["at"], zone).strftime("%d.%m.%Y %H:%M")
            return say("console.plan.once", at=at)
        case "after":
            return say("console.plan.after", job=title(plan["job"]))
        case _:
            return say("console.plan.cron", expression=plan["expression"])


def _times(say: Say, number: int, one: str, many: str) -> str:
    return say(f"console.plan.{one}") if number == 1 else say(f"console.plan.{many}", n=number)


def _within(within: Mapping[str, Any], say: Say) -> str:
    if within["type"] == "at":
        return say("console.plan.at", time=within["time"])
    hours, rest = divmod(within["minutes"], 60)
    step = (
        _times(say, within["minutes"], "each_minute", "minutes")
        if rest
        else _times(say, hours, "each_hour", "hours")
    )
    if within["start"] == "00:00" and within["end"] >= "23:00":
        return say("console.plan.all_day", step=step)
    return say("console.plan.window", step=step, start=within["start"], end=within["end"])


def age_words(seconds: int, say: Say) -> str:
    """An age in the largest unit of which it is a whole number: days (from two on), hours, minutes."""
    for unit, size, least in (("days", 86400, 2), ("hours", 3600, 2), ("minutes", 60, 0)):
        if seconds % size == 0 and seconds // size >= least:
            return say(f"cli.age.{unit}", n=seconds // size)
    return say("cli.age.minutes", n=round(seconds / 60))
