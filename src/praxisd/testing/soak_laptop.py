"""A laptop goes out with a patient, is opened and packed, and its file comes back: now and then, as in real life."""

import random
import shutil
from datetime import date, timedelta

from praxisd.testing.programs import command
from praxisd.testing.soak_actor import Actor, Unexpected
from praxisd.testing.soak_scene import Scene

PASSPHRASE = "siebenundzwanzig Birnbaeume"
PASSWORD = "Der Hund bellt im Hof"


def laptop(scene: Scene, every_s: float) -> Actor:
    """Each step is a whole way out and in, with programs of its own on the laptop."""
    ask = scene.asker("owner").ask
    number = [0]

    def step(dice: random.Random) -> str:
        number[0] += 1
        place = scene.work / f"laptop-{number[0]}"
        place.mkdir()
        try:
            _way(dice.choice(scene.patients))
        finally:
            shutil.rmtree(place, ignore_errors=True)
        return "way"

    def _way(patient: str) -> None:
        place = scene.work / f"laptop-{number[0]}"
        wish = {
            "patients": [patient], "label": "Soak", "passphrase": PASSPHRASE,
            "until": (date.today() + timedelta(days=3)).isoformat(),
        }  # fmt: skip
        out, back, folder = place / "out.age", place / "back.age", place / "data"
        out.write_bytes(ask("POST", "/exchange/loans", wish).body)
        said = f"{PASSPHRASE}\n{PASSWORD}\n"
        _good(
            command(
                "laptop", "open", str(out), "--user", "eva", "--stdin", "--json", folder=folder, stdin=said
            )
        )
        _good(command("laptop", "pack", "--last", "--to", str(back), "--json", folder=folder))
        headers = {"Content-Type": "application/octet-stream"}
        report = ask("POST", "/exchange/loans/back", back.read_bytes(), headers=headers).body
        if report["conflicts"] or report["again"] or not report["last"]:
            raise Unexpected(f"a laptop came back as {report}")

    return Actor("laptop", every_s, step)


def _good(done: object) -> None:
    code, said = getattr(done, "code", 1), getattr(done, "err", "")
    if code:
        raise Unexpected(f"laptop: {code} {said[-300:]}")
