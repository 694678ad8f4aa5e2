"""Check the console's sources: types and accessibility hints by svelte-check, and sizes of files as in Python."""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from build_ui import ROOT, UI, install, npm_command, sources

LONGEST = 400


def main() -> int:
    """1 if something is to be mended."""
    install()
    npm, environment = npm_command()
    code = subprocess.run(
        [*npm, "run", "--silent", "check"], cwd=UI, env=environment, capture_output=True, text=True
    )
    if code.returncode:
        print(code.stdout[-8000:], code.stderr[-2000:], sep="\n")
    long = [
        str(one.relative_to(ROOT))
        for one in sources()
        if one.suffix in (".svelte", ".ts", ".css")
        and len(one.read_text(encoding="utf-8").splitlines()) > LONGEST
    ]
    for one in long:
        print(f"{one}: more than {LONGEST} lines")
    return 1 if code.returncode or long else 0


if __name__ == "__main__":
    sys.exit(main())
