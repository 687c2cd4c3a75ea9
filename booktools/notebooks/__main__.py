"""Write the notebooks of every page that runs: each file at once, so that an interrupted run leaves no half of one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from booktools.address import read_site
from booktools.notebooks import Edition, make_notebook, notebook_path, open_page, running_pages, to_text

ROOT = Path(__file__).resolve().parent.parent.parent


def write(edition: Edition, out: Path) -> list[Path]:
    """Write one notebook for each page that runs below `out` and return their paths."""
    site, written = read_site(), list[Path]()
    for path in running_pages(ROOT):
        page = open_page(ROOT, path, site.requirement, site.pages)
        target = out / Path(notebook_path(page.name)).relative_to("notebooks")
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        partial.write_text(to_text(make_notebook(page, edition)), "utf-8")
        written.append(partial.replace(target))
    return written


def main() -> None:
    parser = argparse.ArgumentParser(prog="booktools.notebooks", description="write the book's pages as notebooks")
    parser.add_argument("--edition", choices=get_args(Edition), default="reader")
    parser.add_argument("--out", type=Path, default=ROOT / "notebooks", help="default: %(default)s")
    options = parser.parse_args()
    for path in write(options.edition, options.out):
        print(path)


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"mlpc: {error}")
