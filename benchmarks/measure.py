"""How things are measured: contenders in turn, by processor time; peak memory, each in a process of its own."""

from __future__ import annotations

import importlib.util
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

SHORTEST = 0.2  # seconds: what takes less is repeated within one measurement
Work = Callable[[], Any]


def in_turn(contenders: Mapping[str, Work], repeats: int) -> tuple[dict[str, list[float]], dict[str, Any]]:
    """Return the processor seconds of each contender, and what it returned.

    Parameters
    ----------
    contenders : mapping of names to functions without arguments
        The same work, done by each.
    repeats : int
        How many times each is measured: first A, then B, then A again, so that a change of the machine's pace meets
        both. One run of each before that is not counted.
    """
    returned, loops = {}, {}
    for name, work in contenders.items():
        started = time.perf_counter()
        returned[name] = work()
        loops[name] = max(1, int(np.ceil(SHORTEST / max(time.perf_counter() - started, 1e-6))))
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repeats):
        for name, work in contenders.items():
            started = time.process_time()
            for _ in range(loops[name]):
                work()
            seconds[name].append((time.process_time() - started) / loops[name])
    return seconds, returned


def installed(module: str) -> bool:
    """Return whether a peer is there, without importing it."""
    return importlib.util.find_spec(module) is not None


def peak_of_process(module: str, *arguments: str) -> float:
    """Return the peak memory, in MiB, of a process that runs `python -m module` and prints it in its last line."""
    command = [sys.executable, "-m", module, *arguments]
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def own_peak() -> float:
    """Return the peak memory of this process so far, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says on Linux includes the process that started this one
        [kibibytes] = re.findall(r"^VmHWM:\s*(\d+) kB$", status.read_text("utf-8"), re.MULTILINE)
        return int(kibibytes) / 2**10
    import resource  # there is none on Windows

    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def machine(packages: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a reader has to know of the machine and its software, and nothing that tells whose it is.

    Parameters
    ----------
    packages : sequence of str
        Distributions whose versions matter beside those of mlpc, NumPy and SciPy.
    """
    blas = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("mlpc", "numpy", "scipy", *packages)},
        "blas": sorted({f"{one['internal_api']} {one['version']} ({one.get('architecture', '?')})" for one in blas}),
        "threads": max((one["num_threads"] for one in blas), default=1),
    }


def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    described = Path("/proc/cpuinfo")
    text = described.read_text("utf-8") if described.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown"
