"""What no file of the project may hold: addresses it does not need, paths of one machine, marks of unfinished work.

Judged is every tracked text file. The hosts that the project may name are listed in `HOSTS` (and sites that a forge
serves, and names reserved for examples); any other host, with or without `https://`, is refused, so that installing and
reading never depend on an address somebody typed in passing.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from booktools.lint.finding import Finding

HOSTS = frozenset(
    """
    localhost 127.0.0.1 github.com raw.githubusercontent.com gitlab.com mybinder.org doi.org arxiv.org
    creativecommons.org wiki.creativecommons.org opensource.org www.w3.org purl.org json.schemastore.org
    keepachangelog.com semver.org
    """.split()  # noqa: SIM905
)
PATTERNS = re.compile(
    r"(?:.*\.)?example(?:\.org|\.com|\.net)?|.*\.(?:invalid|test|localhost)|[\w-]+\.(?:github|gitlab)\.io"
)
MACHINE = re.compile(
    r"(?:(?<![\w.~}/-])|(?<=file://))/(?:work|root|tmp|home|Users|mnt|opt)/(?!jovyan\b)[\w.-]+|\b[A-Z]:\\Users\\\w+"
)
ADDRESS = re.compile(
    r"(?:https?:|(?<=[\"'(=]))//(?:[^\s/@\"'`<>]*@)?(?P<url>[A-Za-z0-9][\w.-]*)|\b(?P<bare>(?:[a-z0-9-]+\.)+(?:org|com))\b"
)
UNFINISHED = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b|^(?:<{7}|>{7}) ", re.MULTILINE)
LEFT_OVER = ("*.orig", "*.rej", "*.bak", "*.swp", "*~", ".DS_Store", "Untitled*", "*.pyc", "*.log", "*.tmp")
NO_NAME = ("utils.py", "util.py", "helpers.py", "helper.py", "misc.py", "common.py", "stuff.py")
UNTRACKED = (".*", "_build", "__pycache__", "*.egg-info", "node_modules")
"""Folders that are left out where git cannot be asked."""

GENERATED = ("*.lock",)
"""Files that a command writes; what they hold is that command's to say."""


def tracked(root: Path) -> list[Path]:
    """Files that git tracks or would track, below the root."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
        files = [Path(name) for name in listed if name]
    except (FileNotFoundError, subprocess.CalledProcessError):  # no git, or a copy without its history
        files = [path.relative_to(root) for path in sorted(root.rglob("*"))]
        files = [
            file for file in files if not any(fnmatch(part, hidden) for part in file.parts for hidden in UNTRACKED)
        ]
    return [file for file in files if (root / file).is_file()]


def check(file: Path, root: Path) -> Iterator[Finding]:
    """Refuse leftovers, hosts, machine paths and unfinished work in one file."""
    if any(fnmatch(file.name, pattern) for pattern in LEFT_OVER):
        yield Finding(
            file, 1, "leftover", "a file of a tool or of an editor; delete it, and name its pattern in .gitignore"
        )
        return
    if file.name in NO_NAME:
        yield Finding(file, 1, "leftover", "a module named after nothing; name it after its one idea")
    if any(fnmatch(file.name, pattern) for pattern in GENERATED):
        return
    try:
        text = (root / file).read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a picture, not a text
        return
    for offset, rule, message in faults(text):
        yield Finding(file, text.count("\n", 0, offset) + 1, rule, message)


def faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Offsets, rules and messages of what a text may not hold.

    >>> [rule for _, rule, _ in faults("see https://" + "somewhere.io/x, not https://doi.org/10.1000/1")]
    ['host']
    """
    for found in ADDRESS.finditer(text):
        host = (found["url"] or found["bare"]).rstrip(".").lower()
        if "." in host and host not in HOSTS and not PATTERNS.fullmatch(host):
            yield (
                found.start(),
                "host",
                f"{host} is not among the hosts that the project may name (booktools/lint/words.py, HOSTS)",
            )
    for found in MACHINE.finditer(text):
        yield (
            found.start(),
            "path",
            f"{found[0]} is a path of one machine; build it from the file's own place, or use tempfile",
        )
    for found in UNFINISHED.finditer(text):
        yield found.start(), "leftover", f"{found[0].strip()} marks unfinished work; finish it, or open an issue"
