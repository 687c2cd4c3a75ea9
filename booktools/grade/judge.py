"""Judge one answer that was taken out of a notebook, in a process of its own.

    python -m booktools.grade.judge LABEL ANSWER.pickle VERDICT.json

The answer may be a program (a function that a student wrote), so whoever starts this gives it a time limit.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from booktools.kernel import THREADS
from mlpc.exercises import Verdict, check


def judge(label: str, answer: bytes, root: Path, seconds: float) -> Verdict | str:
    """Return the verdict on a pickled answer, or one line that says why there is none."""
    with TemporaryDirectory(prefix="mlpc-") as name:
        given, found = Path(name, "answer.pickle"), Path(name, "verdict.json")
        given.write_bytes(answer)
        command = [sys.executable, "-m", "booktools.grade.judge", label, str(given), str(found)]
        environment = {**os.environ, **THREADS, "PYTHONPATH": str(root)}
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment, cwd=name)
        except subprocess.TimeoutExpired:
            return f"judging it took longer than {seconds:g} s"
        if not found.exists():
            last = done.stderr.strip().splitlines()[-1:] or ["the process ended"]
            return f"the answer cannot be judged: {last[0]}"
        return Verdict(**json.loads(found.read_text("utf-8")))


def main(label: str, given: str, found: str) -> None:
    answer = pickle.loads(Path(given).read_bytes())
    verdict = check(label, answer)
    fields = {
        "label": label,
        "state": verdict.state,
        "message": verdict.message,
        "misconception": verdict.misconception,
    }
    Path(found).write_text(json.dumps(fields), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
