"""The project's commands, which the Makefile calls by the same names:

python -m booktools book       prove the equations, run the pages whose inputs changed, build the site
python -m booktools serve      serve the built site on this machine
python -m booktools test       all that each change must pass
python -m booktools check-all  the weekly run: what is too slow for each change
python -m booktools student    notebooks without solutions, to hand out
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from filelock import FileLock, Timeout

from booktools import UNFINISHED
from booktools.kernel import THREADS
from booktools.ledger.proving import settle, stale_tests

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SITE = BUILD / "html"
SEEDS = range(5)
WITH_SEEDS = ("tests/assimilation", "tests/basics")


class Failed(SystemExit):
    """A step that did not pass: one line, exit status 1."""

    def __init__(self, what: str) -> None:
        super().__init__(f"mlpc: {what}")


def run(command: list[str], what: str, stdout: int | None = None, **environment: str) -> None:
    """Run a command from the root, one thread each; raise `Failed` if it does not succeed."""
    variables = {**os.environ, **THREADS, "PYTHONPATH": str(ROOT), **environment}
    if subprocess.run(command, cwd=ROOT, env=variables, stdout=stdout).returncode:
        raise Failed(f"{what} failed")


def python(*module: str, what: str, **environment: str) -> None:
    run([sys.executable, "-m", *module], what, None, **environment)


def pytest(*arguments: str, what: str, **environment: str) -> None:
    python("pytest", "--quiet", "--numprocesses=2", *arguments, what=what, **environment)


@contextmanager
def alone() -> Iterator[None]:
    """Hold `_build` for this command: it must be writable, and no other command may be using it."""
    try:
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=BUILD):
            pass
    except OSError as error:
        raise Failed(f"cannot write into {BUILD} ({error.strerror}); clone the project to a folder of yours") from None
    lock = FileLock(BUILD / "in-use", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise Failed(f"another command is using {BUILD}; wait until it has ended, then run this one again") from None
    try:
        yield
    finally:
        lock.release()


def prove_equations() -> None:
    """Run the tests of the equations whose formula, proof or engine is not that of their certificates."""
    try:
        stale = [test.relative_to(ROOT).as_posix() for test in stale_tests(ROOT)]
        if stale:
            workers = ["--numprocesses=2", "--dist=loadfile"] if len(stale) > 1 else []
            python("pytest", "--quiet", *workers, *stale, what="the proof of the equations")
        else:
            print("  unchanged since they were proved")
        wrong = settle(ROOT)
    except ValueError as error:
        raise Failed(str(error)) from None
    if wrong:
        raise Failed("the ledger is not complete:\n  " + "\n  ".join(wrong))


def run_pages() -> None:
    python("booktools.execution", what="the run of the pages")


def build_site() -> None:
    """Build the HTML; start from nothing in CI and after a build that failed, so that no warning can hide."""
    unfinished = BUILD / UNFINISHED
    if unfinished.exists() or os.environ.get("CI"):
        for folder in (SITE, BUILD / ".doctrees"):
            shutil.rmtree(folder, ignore_errors=True)
    unfinished.touch()
    jupyter_book = str(Path(sysconfig.get_path("scripts"), "jupyter-book"))
    options = ["--nitpick", "--warningiserror", "--keep-going", "--quiet"]
    run([jupyter_book, "build", ".", *options], "the build of the site", stdout=subprocess.DEVNULL)
    unfinished.unlink(missing_ok=True)


@alone()
def book() -> None:
    steps("book", {"proving the equations": prove_equations, "running the pages": run_pages, "building": build_site})
    print(f"\nThe book is in {SITE / 'index.html'}\nOpen that file, or serve it: make serve")


@alone()
def test() -> None:
    steps(
        "test",
        {
            "formatting": partial(python, "ruff", "format", "--check", "--quiet", ".", what="ruff format"),
            "linting code": partial(python, "ruff", "check", "--quiet", ".", what="ruff check"),
            "checking types": partial(python, "pyright", "mlpc", "booktools", what="pyright"),
            "linting prose": partial(python, "booktools.lint", what="the prose lint"),
            "proving the equations": prove_equations,
            "running the pages": run_pages,
            "building the site": build_site,
            "testing": partial(pytest, "--ignore=tests/equations", what="pytest"),
        },
    )


def check_all() -> None:
    test()
    again = {
        f"seed {seed}": partial(pytest, "-m", "not slow", *WITH_SEEDS, what="tests", MLPC_SEED=str(seed))
        for seed in SEEDS
    }
    steps("check-all", {**again, "slow tests": partial(pytest, "-m", "slow", "--dist=loadfile", what="the slow tests")})


def student() -> None:
    python("booktools.notebooks", "--edition", "student", "--out", str(BUILD / "student"), what="making the notebooks")
    print(f"student notebooks are in {BUILD / 'student'}")


def serve(port: int) -> None:
    if not (SITE / "index.html").exists():
        raise Failed("the site is not built yet; run: make book")
    handler = partial(SimpleHTTPRequestHandler, directory=str(SITE))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OverflowError:
        raise Failed(f"{port} is no port; ports go up to 65535") from None
    except OSError as error:
        raise Failed(f"cannot serve on port {port} ({error.strerror}); try another one: make serve PORT=8001") from None
    print(f"serving the book on http://127.0.0.1:{port}/ (stop with Ctrl-C)", flush=True)
    server.serve_forever()


def steps(command: str, actions: dict[str, Callable[[], None]]) -> None:
    """Do one thing after another, saying which, and how long each took."""
    for count, (name, action) in enumerate(actions.items(), start=1):
        print(f"[{command} {count}/{len(actions)}] {name}", flush=True)
        started = time.perf_counter()
        action()
        print(f"  done in {time.perf_counter() - started:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="booktools", description="the commands of the book")
    commands = parser.add_subparsers(required=True, metavar="command")
    simple = {"book": book, "test": test, "check-all": check_all, "student": student}
    for name, action in simple.items():
        commands.add_parser(name).set_defaults(action=action)
    server = commands.add_parser("serve")
    server.add_argument("--port", type=int, default=8000)
    server.set_defaults(action=serve)
    options = vars(parser.parse_args())
    options.pop("action")(**options)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise Failed("interrupted") from None
