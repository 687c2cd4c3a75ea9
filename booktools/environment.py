"""Make `.venv` from the lock: the first step of every command. Standard library only, so that any Python can start it.

    python3 booktools/environment.py                  make or mend .venv; returns at once when nothing changed
    python3 booktools/environment.py --into-current   install into the running Python instead (Binder, containers)

The lock pins every package with its hashes, except torch, whose builds differ from place to place: torch is pinned by
version alone and installed in a step of its own, from whatever index pip is configured to use.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
MARKER = "mlpc-environment"  # inside .venv: the stamp of a finished installation, or "unfinished"
OLDEST, TOO_NEW = (3, 11), (3, 14)

NETWORK_SIGNS = (
    "NewConnectionError",
    "NameResolutionError",
    "name resolution",
    "ConnectTimeout",
    "Max retries exceeded",
)


class Refusal(SystemExit):
    """One clear line for the reader, exit status 1, no traceback."""

    def __init__(self, line):
        super().__init__("mlpc: " + line)


def check_python():
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        raise Refusal(
            "needs Python 3.11, 3.12 or 3.13, but {} is {}.{}; name another, as in: make book PYTHON=python3.12".format(
                sys.executable, *sys.version_info[:2]
            )
        )


def check_writable():
    try:
        with tempfile.TemporaryFile(dir=str(ROOT)):
            pass
    except OSError as error:
        raise Refusal("cannot write into {} ({}); clone it to a folder of yours".format(ROOT, error.strerror)) from None


def stamp(lock):
    """What a finished environment was made from: a change of any of these makes it stale."""
    parts = [sys.version, str(ROOT), lock.read_text("utf-8")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def pip_install(python, arguments, what, log):
    """Run `pip install`, showing how far it is; on failure turn pip's pages of output into one line."""
    quiet = ["--disable-pip-version-check", "--no-input", "--retries", "2"]
    command = [str(python), "-m", "pip", "install", *quiet, *arguments]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "universal_newlines": True}
    with open(str(log), "a", encoding="utf-8") as out:
        pip = subprocess.Popen(command, cwd=str(ROOT), **streams)
        for count, line in enumerate(pip.stdout or (), start=1):
            out.write(line)
            if sys.stdout.isatty():
                print("\r  {} ({} steps)".format(what, count), end="", flush=True)
            elif count % 100 == 1:
                print("  {} ({} steps)".format(what, count), flush=True)
        pip.wait()
    print("\r  {}: {}          ".format(what, "failed" if pip.returncode else "done"), flush=True)
    if pip.returncode:
        raise Refusal("{} (details: {})".format(reason(what, log.read_text("utf-8")), log))


def reason(what, text):
    """Why an installation failed, from what pip printed."""
    if any(sign in text for sign in NETWORK_SIGNS):
        return "cannot reach the package index; check the network, then run the command again"
    errors = [line.strip() for line in text.splitlines() if "ERROR" in line]
    return "{} failed: {}".format(what, errors[-1] if errors else "pip failed")


def install(python, lock, torch_too=True):
    """The hashed packages, then torch, then mlpc itself (editable, built with the locked setuptools)."""
    lines = lock.read_text("utf-8").splitlines(keepends=True)
    torch = [line.strip() for line in lines if line.startswith("torch==") and torch_too]
    with tempfile.TemporaryDirectory() as folder:
        hashed = Path(folder, "hashed.txt")
        hashed.write_text("".join(line for line in lines if not line.startswith("torch==")), "utf-8")
        log = Path(tempfile.gettempdir(), "mlpc-install-{}.log".format(os.getpid()))
        log.write_text("", "utf-8")
        pip_install(python, ["--require-hashes", "--no-deps", "-r", str(hashed)], "installing the locked packages", log)
    if torch:
        pip_install(python, torch, "installing " + torch[0], log)
    pip_install(python, ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)], "installing mlpc", log)
    log.unlink()


def venv_python():
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def marker_text():
    marker = VENV / MARKER
    return marker.read_text("utf-8") if marker.exists() else ""


def runs(python):
    try:
        return (
            subprocess.run([str(python), "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
            == 0
        )
    except OSError:
        return False


def make_venv():
    if VENV.exists():
        if not marker_text() and runs(venv_python()):
            raise Refusal("{} was made by something else; move it away or delete it, then run again".format(VENV))
        print("  .venv is stale or unfinished: making it again", flush=True)
        shutil.rmtree(str(VENV))
    VENV.mkdir()
    (VENV / MARKER).write_text("unfinished", "utf-8")
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if made.returncode:
        shutil.rmtree(str(VENV))
        raise Refusal(
            "{} cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv".format(
                sys.executable
            )
        )


def ensure_venv():
    """Make `.venv` from the lock unless it is what the lock says; an interrupted run starts again from nothing."""
    wanted = stamp(LOCK)
    if marker_text() == wanted:
        return
    check_writable()
    print("making .venv from {} (a few minutes the first time)".format(LOCK.name), flush=True)
    make_venv()
    try:
        install(venv_python(), LOCK)
    except BaseException:
        shutil.rmtree(str(VENV), ignore_errors=True)
        raise
    partial = VENV / (MARKER + ".partial")
    partial.write_text(wanted, "utf-8")
    os.replace(str(partial), str(VENV / MARKER))


def main():
    parser = argparse.ArgumentParser(description="make the environment of mlpc from its lock")
    parser.add_argument("--into-current", action="store_true", help="install into the running Python instead of .venv")
    parser.add_argument(
        "--lock", type=Path, default=LOCK, help="the lock to install with --into-current (default: %(default)s)"
    )
    parser.add_argument("--without-torch", action="store_true", help="leave torch to conda")
    options = parser.parse_args()
    check_python()
    if options.into_current:
        install(sys.executable, options.lock, not options.without_torch)
    else:
        ensure_venv()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise Refusal("interrupted; the next run starts again") from None
