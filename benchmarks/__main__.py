"""`python -m benchmarks`: run the benchmarks and write what they measured to `benchmarks/results`."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

from benchmarks.measure import machine

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SPEED = {
    "mixtures": "benchmarks.mixtures",
    "kalman": "benchmarks.assimilation.kalman",
    "ensembles": "benchmarks.assimilation.ensembles",
    "localisation": "benchmarks.assimilation.localisation",
}
ACCURACY = {
    "lorenz96": "benchmarks.assimilation.lorenz96",
    "lorenz63": "benchmarks.assimilation.lorenz63",
    "noisy": "benchmarks.assimilation.noisy",
    "survival": "benchmarks.assimilation.survival",
    "cold_starts": "benchmarks.assimilation.cold_starts",
}
BENCHMARKS = {**SPEED, **ACCURACY}
"""Name: its module, with CASES, `run(case, repeats)`, `settings()`, and PACKAGES, whose versions matter."""


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"measure mlpc beside its peers; how accurate filters are only by name: {', '.join(ACCURACY)}",
    )
    parser.add_argument("names", nargs="*", default=[*SPEED], metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--repeats", type=int, default=5, help="measurements of each contender (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder of the results (default: %(default)s)")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHMARKS)
    if unknown or options.repeats < 1:
        parser.error(f"known benchmarks are {', '.join(BENCHMARKS)}, and repeats are at least 1")
    for name in options.names:
        write(options.out / f"{name}.json", name, options.repeats)


def write(file: Path, name: str, repeats: int) -> None:
    """Run one benchmark; its file changes only when all of its cases are done.

    What is done is kept in a file beside it: if the run is stopped, the next one goes on from there, unless the code
    has changed.
    """
    benchmark = importlib.import_module(BENCHMARKS[name])
    partial = file.with_suffix(".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    stamp = {"benchmark": name, "repeats": repeats, "code": code()}
    results = finished(partial, stamp)
    for case in benchmark.CASES:
        if case.name not in results:
            print(f"{name} {case.name}", end=" ", flush=True)
            results[case.name] = benchmark.run(case, repeats)
            print(brief(results[case.name]), flush=True)
            partial.write_text(json.dumps({**stamp, "results": results}), "utf-8")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    head = {"benchmark": name, "date": today, "repeats": repeats, "machine": machine(benchmark.PACKAGES)}
    whole = {**head, **benchmark.settings(), "cases": [results[case.name] for case in benchmark.CASES]}
    partial.write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    partial.replace(file)


def finished(partial: Path, stamp: dict[str, Any]) -> dict[str, Any]:
    """Return the cases that a run that was stopped has finished, by name, if it ran the same code."""
    try:
        found = json.loads(partial.read_text("utf-8"))
        results = found.pop("results")
    except (OSError, ValueError, KeyError):
        return {}
    return results if found == stamp else {}


def code() -> str:
    """Return a hash of the package and the benchmarks: results of different code do not belong into one file."""
    sources = sorted([*(ROOT / "mlpc").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def brief(result: dict[str, Any]) -> Any:
    """Return what is worth a line while one waits: the least seconds of each contender, or the error and the losses."""
    if "seconds" in result:
        return {who: float(f"{min(seconds):.4g}") for who, seconds in result["seconds"].items()}
    return {"rmse_a": result["rmse_a"]["mean"], "lost": result["lost"], "seconds": round(result["processor_seconds"])}


if __name__ == "__main__":
    main()
