"""kill -9 while it books, again and again: what was answered is there, what was not is wholly there or not at all.

Each round: clients book, after a random time one server is killed, then it starts again on the same folder. Wishes
with an Idempotency-Key that got no answer are sent again with the same key: together they may have one effect.
"""

import asyncio
import random
import time
from pathlib import Path

from praxisd.testing.torture_check import Violation, check_history, check_state
from praxisd.testing.torture_client import Client
from praxisd.testing.torture_history import History, Record
from praxisd.testing.torture_http import Unanswered
from praxisd.testing.torture_nodes import Node
from praxisd.testing.torture_run import Result, Site, clients, judge, speaks_fhir
from praxisd.testing.torture_wishes import Wishes

CLIENTS = 12
EARLIEST_S, LATEST_S = 0.020, 0.400
"""When a server is killed, counted from the moment its clients begin."""
AFTER_S = 0.1
"""So long the other node, where there is one, goes on alone."""
EVERY = 10
"""All answers so far are judged after so many kills; the rows after each."""


async def _round(site: Site, everyone: list[Client], victim: Node, delay_s: float) -> None:
    """Book until the victim is dead, and a little longer."""
    end = asyncio.Event()

    async def run(one: Client) -> None:
        while not end.is_set():
            try:
                await one.step()
            except Unanswered:
                return

    running = [asyncio.create_task(run(one)) for one in everyone]
    await asyncio.sleep(delay_s)
    victim.kill()
    if len(site.nodes) > 1:
        await asyncio.sleep(AFTER_S)
    end.set()
    await asyncio.gather(*running)


async def _again(everyone: list[Client], lost: list[Record]) -> None:
    """Send the unanswered wishes with a key again, to whichever node; now they must be answered."""
    by_credential = {one.who.name: one for one in everyone}
    for r in lost:
        one = by_credential[r.credential]
        about = {k: v for k, v in r.request.items() if k in ("appointment", "replaces")}
        for _ in range(100):
            again = await one.send(
                r.op,
                r.request["method"],
                r.request["path"],
                r.request["body"],
                door=r.door,
                key=r.key,
                tag=r.tag,
                about=about,
                if_match=r.request.get("ifMatch"),
            )
            if again.code != "http.idempotency_running":
                break
            await asyncio.sleep(0.02)


def kill_again_and_again(engine: str, kills: int, seed: int, out: Path) -> Result:
    """Kill a server `kills` times under load; the history goes to `out`/history-<engine>.jsonl."""
    dice = random.Random(seed)
    found: list[Violation] = []
    answered = retried = whole = 0
    with Site(engine, out) as site, (out / f"history-{engine}.jsonl").open("wb") as file:
        history = History(file)
        wishes = Wishes(site.scene, seed)
        began = time.monotonic()
        site.start()
        fhir = asyncio.run(speaks_fhir(site))
        for number in range(1, kills + 1):
            mark = len(history.records)
            victim = dice.choice(site.nodes)

            async def storm(
                victim: Node = victim, delay_s: float = dice.uniform(EARLIEST_S, LATEST_S)
            ) -> None:
                everyone = clients(site, wishes, history, CLIENTS, fhir)
                await _round(site, everyone, victim, delay_s)
                for one in everyone:
                    one.close()

            asyncio.run(storm())
            state = site.state()
            found += check_state(state)
            if number % EVERY == 0:
                found += check_history(history.records, state)
            victim.start()
            victim.ready()
            fresh = history.records[mark:]
            answered += sum(r.outcome == "done" for r in fresh)
            lost = [r for r in fresh if r.outcome == "unanswered"]
            kept = {tag for one in state.appointments.values() for tag in one.tags}
            whole += sum(r.tag in kept for r in lost if r.tag)

            async def again(lost: list[Record] = lost) -> None:
                # Twins were sent twice and are sent twice again: both must learn the same.
                everyone = clients(site, wishes, history, 3 * len(site.nodes), fhir)
                await _again(everyone, [r for r in lost if r.key is not None])
                for one in everyone:
                    one.close()

            asyncio.run(again())
            retried += sum(r.key is not None for r in lost)
        codes = [node.stop() for node in site.nodes]
        if any(codes):
            found.append(Violation("exit_code", f"{codes} after SIGTERM"))
        seconds = time.monotonic() - began
        result = Result(engine, history.records, found, seconds, fhir, site.state(), CLIENTS)
    silent = sum(r.outcome == "unanswered" for r in history.records)
    result.notes.append(
        f"{kills} kills: {answered} requests answered before them, {silent} not answered, of which {whole}"
        f" bookings were stored nevertheless; {retried} sent again with their key"
    )
    return judge(result)
