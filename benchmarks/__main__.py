"""`python -m benchmarks`: run the benchmarks and write what they measured to `benchmarks/results`."""

from __future__ import annotations

import argparse
import datetime
import json
from pathlib import Path

from benchmarks import mixtures
from benchmarks.measure import machine

RESULTS = Path(__file__).resolve().parent / "results"
BENCHMARKS = {"mixtures": mixtures}


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="measure mlpc side by side with its peers"
    )
    parser.add_argument("names", nargs="*", default=[*BENCHMARKS], metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each contender (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results (default: %(default)s)")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown or options.repeats < 1:
        parser.error(f"known benchmarks are {', '.join(BENCHMARKS)}, and repeats are at least 1")
    for name in options.names:
        write(options.out / f"{name}.json", name, options.repeats)


def write(file: Path, name: str, repeats: int) -> None:
    """Run one benchmark; its file changes only when all of its cases are done."""
    benchmark, results = BENCHMARKS[name], []
    for case in benchmark.CASES:
        print(f"{name} {case.name}", end=" ", flush=True)
        results.append(benchmark.run(case, repeats))
        print({who: round(min(seconds), 4) for who, seconds in results[-1]["seconds"].items()}, flush=True)
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    head = {"benchmark": name, "date": today, "repeats": repeats, "machine": machine(), **benchmark.settings()}
    partial = file.with_suffix(".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.write_text(json.dumps({**head, "cases": results}, indent=1) + "\n", "utf-8")
    partial.replace(file)


if __name__ == "__main__":
    main()
