"""The database of a cluster: stopped as an operator stops it, and started again on its folder and port."""

import signal
import subprocess

from praxisd.testing.postgres import PostgresServer, programs

HALT_S = 30.0


class Restarted(PostgresServer):
    """A durable PostgreSQL that can be away for a while."""

    def __init__(self) -> None:
        super().__init__(durable=True)

    def halt(self) -> None:
        """As `pg_ctl stop -m fast`: open transactions are rolled back, sessions end, what was committed is on the disk."""
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()
        process, self._process = self._process, None
        watcher, self._watcher = self._watcher, None
        if process is None or watcher is None:
            raise RuntimeError("the database is not running")
        process.send_signal(signal.SIGINT)
        try:
            process.wait(HALT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise RuntimeError("the database did not stop") from None
        finally:
            watcher.communicate(b"done\n")

    def resume(self) -> None:
        """Start it again; returns once it answers. RuntimeError with its log if it does not."""
        if not self._launch(programs()):
            log = "" if self.folder is None else (self.folder / "log").read_text(errors="replace")
            raise RuntimeError(f"the database did not start again:\n{log[-2000:]}")
