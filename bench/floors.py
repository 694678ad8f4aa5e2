"""The floors: the least a server of this kind can do for the same bytes. Run as a program of its own.

    python -m bench.floors litestar|bare FILE [KEY ...]

serves the bytes of FILE on a free port and prints `ready <url>`, like praxisd. `litestar` is the same web framework
on the same server: one route that checks a key (SHA-256, a look into a dictionary, `compare_digest`) and returns the
bytes. `bare` is an ASGI function that returns them without looking at the request.
"""

import hashlib
import hmac
import socket
import sys
from pathlib import Path
from typing import Any

import uvicorn

ETAG = '"floor"'


def bare(body: bytes) -> Any:
    """An ASGI function and nothing else."""
    start = {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))],
    }
    end = {"type": "http.response.body", "body": body}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while True:
                message = await receive()
                await send({"type": message["type"] + ".complete"})
                if message["type"] == "lifespan.shutdown":
                    return
        await send(start)
        await send(end)

    return app


def framework(body: bytes, keys: list[str]) -> Any:
    """Litestar's own way: a route function, its request object, its response object."""
    from litestar import Litestar, Request, Response, get
    from litestar.exceptions import NotAuthorizedException

    known = {hashlib.sha256(key.encode()).digest(): hashlib.sha256(key.encode()).hexdigest() for key in keys}

    @get("/api/v1/slots")
    async def slots(request: Request[Any, Any, Any]) -> Response[bytes]:
        digest = hashlib.sha256(request.headers.get("authorization", "")[7:].encode()).digest()
        stored = known.get(digest)
        if stored is None or not hmac.compare_digest(stored, digest.hex()):
            raise NotAuthorizedException
        if request.headers.get("if-none-match") == ETAG:
            return Response(b"", status_code=304, headers={"etag": ETAG})
        return Response(body, media_type="application/json", headers={"etag": ETAG})

    return Litestar([slots], openapi_config=None, logging_config=None)


def main(kind: str, file: str, *keys: str) -> None:
    """Serve until killed."""
    body = Path(file).read_bytes()
    app = bare(body) if kind == "bare" else framework(body, list(keys))
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, http="httptools", loop="auto", ws="none", log_config=None, access_log=False, server_header=False
    )

    class Server(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            print(f"ready http://127.0.0.1:{sock.getsockname()[1]}", flush=True)

    Server(config).run(sockets=[sock])


if __name__ == "__main__":
    main(*sys.argv[1:])
