"""A `TufRepository` over HTTP (with Range), and the conformance suite's command line against it."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from click.testing import CliRunner, Result
from tuf.api.metadata import Metadata

from praxisd.services.updates.tuf_client import tuf_client
from praxisd.testing.tuf_repository import TufRepository
from praxisd_guard.faults import Missing, OffsetRefused, Unreachable


@contextmanager
def serving(repository: TufRepository, *, ranges: bool = True) -> Iterator[str]:
    """The address of the repository while it is served."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "bytes=0-") if ranges else "bytes=0-"
            offset = int(asked.removeprefix("bytes=").rstrip("-"))
            path = self.path.lstrip("/")
            whole = len(repository.files.get(path, b"")) - offset
            try:
                with repository.open(path, offset) as pieces:
                    self.send_response(206 if offset else 200)
                    if path in repository.lies:
                        self.send_header("Connection", "close")
                    else:
                        self.send_header("Content-Length", str(whole))
                    if offset:
                        self.send_header(
                            "Content-Range", f"bytes {offset}-{offset + whole - 1}/{offset + whole}"
                        )
                    self.end_headers()
                    for piece in pieces:
                        self.wfile.write(piece)
            except Missing:
                self.send_error(404)
            except OffsetRefused:
                self.send_error(416)
            except (Unreachable, ConnectionError):
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Clients hang up on lies."""

    server = Quiet(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(30)


class Client:
    """The command line as the suite calls it: `--metadata-dir … init|refresh|download`."""

    def __init__(self, repository: TufRepository, address: str, folder: Path) -> None:
        self.repository, self.address = repository, address
        self.metadata, self.targets = folder / "metadata", folder / "targets"
        self.metadata.mkdir()
        self.targets.mkdir()
        self.trusted = folder / "initial_root.json"

    def run(self, *args: str) -> Result:
        return CliRunner().invoke(tuf_client, ["--metadata-dir", str(self.metadata), *args])

    def init(self, root: bytes | None = None) -> int:
        self.trusted.write_bytes(self.repository.files["metadata/1.root.json"] if root is None else root)
        return self.run("init", str(self.trusted)).exit_code

    def refresh(self) -> int:
        return self.run("--metadata-url", f"{self.address}/metadata", "refresh").exit_code

    def download_args(self, *names: str) -> list[str]:
        wanted = [word for name in names for word in ("--target-name", name)]
        where = ["--target-base-url", f"{self.address}/targets", "--target-dir", str(self.targets)]
        return ["--metadata-url", f"{self.address}/metadata", *wanted, *where, "download"]

    def download(self, *names: str) -> int:
        return self.run(*self.download_args(*names)).exit_code

    def fetched(self) -> list[bytes]:
        return sorted(file.read_bytes() for file in self.targets.rglob("*") if file.is_file())

    def trusts(self) -> dict[str, int]:
        """Role → version of all metadata files."""
        return {f.stem: Metadata.from_file(str(f)).signed.version for f in self.metadata.glob("*.json")}

    def asked(self) -> list[str]:
        """What was asked for since the last time."""
        found = [path for path, _ in self.repository.asked]
        self.repository.asked.clear()
        return found
