"""`python -m booktools.lint [paths]`: print what the rules refuse, one line each; exit 1 if there is anything."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from booktools.lint import lint


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m booktools.lint", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="files or folders; all if none is named")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2], help="the repository")
    given = parser.parse_args(arguments)
    if missing := [str(path) for path in given.paths if not path.exists()]:
        parser.error(f"no such file or folder: {', '.join(missing)}")
    start = time.perf_counter()
    try:
        found = lint(given.root.resolve(), [path.resolve() for path in given.paths])
    except (ValueError, SyntaxError) as error:  # a notation file, a registry or a module that cannot be read
        print(error, file=sys.stderr)
        return 1
    for finding in found:
        print(finding)
    print(
        f"{len(found)} refused" if found else "nothing refused",
        f"in {time.perf_counter() - start:.1f} s",
        file=sys.stderr,
    )
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
