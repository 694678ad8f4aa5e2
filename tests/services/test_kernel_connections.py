"""Of the connections that read one file, those used last are used next: what each keeps is not kept sixteen times."""

from contextlib import ExitStack
from pathlib import Path

from praxisd.kernel.engines import Sqlite


def test_one_connection_does_what_one_can_do_after_a_crowd_has_left(tmp_path: Path) -> None:
    engine = Sqlite(tmp_path / "praxisd.db")
    try:
        with ExitStack() as crowd:
            together = {id(crowd.enter_context(engine.read()).connection) for _ in range(5)}
        assert len(together) == 5
        alone = set()
        for _ in range(20):
            with engine.read() as cursor:
                alone.add(id(cursor.connection))
        assert len(alone) == 1
        assert alone < together
    finally:
        engine.close()
