"""`praxisd tuf-client`: the client of the download service by itself, with the command line of TUF's conformance suite.

python-tuf's updater over the guard's own fetcher and downloads; metadata lie as plain files, as the suite wants.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from praxisd.kernel.errors import Problem
from praxisd.kernel.terminal import print_json, reporting, say

_PACKAGE = "praxisd.services.updates"
INITIAL = "trusted_root"
"""The root given to `init`: each later run begins with it and follows the chain from there."""
TIMEOUT_S = 30
_GONE = (403, 404, 410)


class UrlSource:
    """A repository at two addresses (see `praxisd_guard.sources.Source`). No environment variable is heeded."""

    def __init__(self, metadata_url: str, targets_url: str = "") -> None:
        import urllib3

        self._bases = {"metadata": metadata_url, "targets": targets_url}
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(TIMEOUT_S))

    @contextmanager
    def open(self, path: str, offset: int = 0) -> Iterator[Iterator[bytes]]:
        """The file at the address of its kind, from `offset` on."""
        from urllib3.exceptions import HTTPError

        from praxisd_guard.faults import Missing, OffsetRefused, Unreachable

        kind, _, name = path.partition("/")
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        try:
            answer = self._pool.request(
                "GET", f"{self._bases[kind].rstrip('/')}/{name}", headers=headers, preload_content=False
            )
        except HTTPError as fault:
            raise Unreachable(str(fault)) from fault
        try:
            if answer.status in _GONE:
                raise Missing(path)
            begins = answer.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
            if offset and (answer.status in (200, 416) or (answer.status == 206 and not begins)):
                raise OffsetRefused(path)
            if answer.status != (206 if offset else 200):
                raise Unreachable(f"{answer.status} {path}")
            yield _pieces(answer.stream)
        finally:
            answer.close()


def _pieces(stream: Callable[[int], Iterator[bytes]]) -> Iterator[bytes]:
    from urllib3.exceptions import HTTPError

    from praxisd_guard.faults import Unreachable

    try:
        yield from stream(65_536)
    except HTTPError as fault:  # cut, late, or shorter than announced
        raise Unreachable(str(fault)) from fault


@click.command("tuf-client")
@reporting
@click.option(
    "--metadata-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where trusted metadata lie; the folder tuf-client of the data folder if left out.",
)
@click.option("--metadata-url", help="Address of the repository's metadata.")
@click.option("--target-name", "names", multiple=True, help="Path of a target; may be repeated.")
@click.option("--target-base-url", help="Address of the repository's targets.")
@click.option("--target-dir", type=click.Path(file_okay=False, path_type=Path), help="Where targets go.")
@click.argument("action", type=click.Choice(["init", "refresh", "download"]))
@click.argument("trusted_root", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def tuf_client(
    folder: Path,
    as_json: bool,
    metadata_dir: Path | None,
    metadata_url: str | None,
    names: tuple[str, ...],
    target_base_url: str | None,
    target_dir: Path | None,
    action: str,
    trusted_root: Path | None,
) -> None:
    """Look into a TUF repository as the download service does, by the conformance suite's command line."""
    metadata = metadata_dir or folder / "tuf-client"
    if action == "init":
        if trusted_root is None:
            raise click.MissingParameter(param_hint="TRUSTED_ROOT", param_type="argument")
        metadata.mkdir(parents=True, exist_ok=True)
        for name in (INITIAL, "root.json"):
            (metadata / name).unlink(missing_ok=True)  # root.json may be python-tuf's link to a later root
            shutil.copyfile(trusted_root, metadata / name)
        done: list[Path] = []
    else:
        if metadata_url is None:
            raise click.MissingParameter(param_hint="--metadata-url", param_type="option")
        if action == "refresh":
            done = _fetched(metadata, UrlSource(metadata_url), (), metadata)
        elif target_base_url is None or target_dir is None or not names:
            raise click.MissingParameter(
                param_hint="--target-name, --target-base-url, --target-dir", param_type="option"
            )
        else:
            done = _fetched(metadata, UrlSource(metadata_url, target_base_url), names, target_dir)
    if as_json:
        print_json({"metadata": str(metadata), "targets": [str(file) for file in done]})
    else:
        click.echo("\n".join([say(_PACKAGE, f"updates.tuf.{action}", folder=metadata), *map(str, done)]))


def _fetched(metadata: Path, source: UrlSource, names: tuple[str, ...], into: Path) -> list[Path]:
    """Refresh, then bring the targets in the order given; what is there already is not fetched again.

    Problems `updates.<code of the trust layer>`: the first fault ends it.
    """
    from tuf.ngclient import Updater

    from praxisd.services.updates.words import problem
    from praxisd_guard.faults import NOT_FOUND
    from praxisd_guard.trust_fetcher import BASE, Fetcher
    from praxisd_guard.trust_reasons import reason

    if not (metadata / INITIAL).is_file():
        raise Problem("updates.no_root", 409)
    root = (metadata / INITIAL).read_bytes()
    fetcher, done = Fetcher(source), []
    try:
        updater = Updater(
            str(metadata), f"{BASE}metadata/", str(into), f"{BASE}targets/", fetcher=fetcher, bootstrap=root
        )
        updater.refresh()
        for name in names:
            target = updater.get_targetinfo(name)
            if target is None:
                raise problem(NOT_FOUND, file=name)
            done.append(Path(updater.find_cached_target(target) or updater.download_target(target)))
    except Problem:
        raise
    except Exception as fault:
        found = reason(fault, fetcher, metadata)
        if found is None:
            raise
        click.echo(f"{type(fault).__name__}: {fault}", err=True)
        raise problem(found.code, **found.params) from fault
    return done


commands = (tuf_client,)
