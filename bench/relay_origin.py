"""What is behind the relay: nginx with TLS, and two servers in Python (uvicorn with TLS).

`python -m bench.relay_origin KIND PORT CHAIN KEY` is one of the latter: `framework`, what praxisd's own server stands on
(uvicorn, Litestar, JSON by msgspec), or `bare`, uvicorn alone with ready bytes. All answer `/small` with about 200 bytes;
nginx has `/bulk`, 100 MB.
"""

import contextlib
import datetime
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.relay_programs import Tree, debian, free_port, running, wait_for

NAME = "praxis.relay.test"
BULK_MB = 100
SMALL = b'{"slots":[' + b'{"start":"2027-01-01T08:00:00Z"},' * 5 + b'{"end":1}]}'
_NGINX = """\
daemon off; {user} worker_processes 1; pid {work}/origin.pid; error_log {work}/origin.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; tcp_nodelay on; sendfile off; output_buffers 2 256k;
  client_body_temp_path {work}/t1; proxy_temp_path {work}/t2; fastcgi_temp_path {work}/t3;
  uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096; ssl_certificate {work}/chain.pem; ssl_certificate_key {work}/key.pem;
    ssl_protocols TLSv1.3; ssl_session_tickets off; ssl_session_cache off; ssl_buffer_size 16k;
    root {work}/www; default_type application/json; open_file_cache max=10;
  }}
}}
"""


def certificate(work: Path, *names: str) -> None:
    """`chain.pem` and `key.pem` (EC P-256, as praxisd makes them) in the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (work / "chain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (work / "key.pem").write_bytes(secret)


@contextlib.contextmanager
def nginx(work: Path) -> Iterator[int]:
    """nginx on a free port; the port. The bulk lies in the page cache."""
    program = debian("nginx", "nginx")
    if program is None:
        raise SystemExit("nginx is needed: apt-get install nginx")
    (work / "www").mkdir()
    (work / "www" / "small").write_bytes(SMALL)
    with (work / "www" / "bulk").open("wb") as bulk:
        for _ in range(BULK_MB):
            bulk.write(b"praxisd!" * 125_000)
    port = free_port()
    conf = work / "origin.conf"
    user = "user root;" if os.geteuid() == 0 else ""
    conf.write_text(_NGINX.format(work=work, port=port, user=user))
    with running([program, "-c", conf, "-e", work / "origin.log"], work / "origin.out") as one:
        wait_for(port, one)
        yield port


@contextlib.contextmanager
def python(work: Path, kind: str) -> Iterator[tuple[int, Tree]]:
    """uvicorn on a free port; the port, and the program."""
    port = free_port()
    command = [sys.executable, "-m", "bench.relay_origin", kind, port, work / "chain.pem", work / "key.pem"]
    with running(list(map(str, command)), work / f"python-{kind}.out") as one:
        wait_for(port, one)
        yield port, one


async def _bare(scope: dict[str, Any], _receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(SMALL))],
        }
    )
    await send({"type": "http.response.body", "body": SMALL})


def _framework() -> Any:
    from litestar import Litestar, get

    slots = json.loads(SMALL)

    @get("/small")
    async def small() -> dict[str, Any]:
        found: dict[str, Any] = slots
        return found

    return Litestar([small], openapi_config=None)


def main() -> None:
    """The server in Python."""
    import uvicorn

    kind, port, chain, key = sys.argv[1:]
    uvicorn.run(
        _framework() if kind == "framework" else _bare,
        host="127.0.0.1",
        port=int(port),
        ssl_certfile=chain,
        ssl_keyfile=key,
        log_level="warning",
        access_log=False,
        lifespan="off",
        backlog=4096,
    )


if __name__ == "__main__":
    main()
