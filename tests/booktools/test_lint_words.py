"""No file names hosts it does not need, paths of one machine, or unfinished work."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from booktools.lint.words import check, faults, tracked


def rules(text: str) -> list[str]:
    return [rule for _, rule, _ in faults(text)]


def apart(text: str) -> str:
    """Texts are written with a gap, so that this file itself stays clean."""
    return text.replace("~", "")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("https:~//files.package-host.dev/x", "host"),
        ("pip install --index-url https:~//user:pw@index.example-host.io/simple", "host"),
        ("see cdn.somewhere.~com/lib", "host"),
        ('<script src="/~/cdn.somewhere.net/lib.js">', "host"),
        ("git+https:~//code.somewhere.eu/x.git", "host"),
        ("/~home/ada/book", "path"),
        ("'/~root/.cache'", "path"),
        ("cd /~work/main", "path"),
        ("open('/~tmp/x.npy')", "path"),
        ("file:///~Users/ada", "path"),
        ("C:\\~Users\\ada", "path"),
        ("# TO~DO: later", "leftover"),
        ("x = 1  # FIX~ME", "leftover"),
        ("a\n<<<<~<<< HEAD\n", "leftover"),
    ],
)
def test_what_no_file_may_hold_is_refused(text, rule):
    assert rules(apart(text)) == [rule]


@pytest.mark.parametrize(
    "text",
    [
        "https://doi.org/10.1000/x, https://github.com/owner/name, http://localhost:8000, http://127.0.0.1:8000",
        "https://owner.github.io/name and https://example.org",
        "https://{host}/x and f'{base}//x'",
        "a // b.real, and 7//two.size",
        "~/book, ./work/x, book/home/x, {home}/root/x, /usr/bin/chromium, /home/jovyan/book",
        "np.random.common and scipy.organise",
        "the method is called todo_list, and a hackathon",
        "a\n=======\nb",
    ],
)
def test_what_a_file_may_hold_passes(text):
    assert rules(text) == []


def test_the_line_is_named(tmp_path):
    (tmp_path / "a.md").write_text(apart("a\nb\n/~home/ada\n"), "utf-8")
    [finding] = check(Path("a.md"), tmp_path)
    assert (finding.line, finding.rule) == (3, "path")


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("a.orig", True),
        ("b/.DS_Store", True),
        ("Untitled1.ipynb", True),
        ("mlpc/utils.py", True),
        ("mlpc/kalman.py", False),
    ],
)
def test_files_that_are_left_over_or_named_after_nothing_are_refused(tmp_path, name, refused):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("", "utf-8")
    assert bool(list(check(Path(name), tmp_path))) == refused


def test_binary_files_and_locks_are_not_read(tmp_path):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\xff" + apart("/~home/ada").encode())
    (tmp_path / "requirements.lock").write_text(apart("--index-url https:~//somewhere.dev/simple"), "utf-8")
    assert [finding for name in ("a.png", "requirements.lock") for finding in check(Path(name), tmp_path)] == []


def test_tracked_files_are_those_of_git_or_without_git_those_that_lie_there(tmp_path):
    for name in ("a.md", "b/c.py", ".hidden/x", "_build/y", "ignored.txt", ".gitignore"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("ignored.txt\n_build/\n.hidden/\n", "utf-8")
    assert [file.as_posix() for file in tracked(tmp_path)] == ["a.md", "b/c.py", "ignored.txt"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert sorted(file.as_posix() for file in tracked(tmp_path)) == [".gitignore", "a.md", "b/c.py"]
