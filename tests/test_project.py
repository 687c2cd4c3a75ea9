"""What the project says of itself is true: commands run, versions and pins agree, licences and citation are valid."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CITATION: dict[str, Any] = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
LOCKS = {"test": ROOT / "requirements.lock", "binder": ROOT / "binder" / "requirements.lock"}


def fenced(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """The README's shell lines without their comments, plus the Windows lines in the spelling of this system."""
    windows = [block.replace(".venv\\Scripts\\", ".venv/bin/").replace("\\", "/") for block in fenced("powershell")]
    lines = "\n".join([*fenced("sh"), *windows]).splitlines()
    return [command for line in lines if (command := line.split("#")[0].strip())]


def tracked() -> list[Path]:
    """The files of the project: tracked, or new and not ignored."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def pins(lock: Path) -> dict[str, set[str]]:
    """The versions that a lock names, by package; more than one where the systems or Pythons differ."""
    found: dict[str, set[str]] = {}
    for name, pinned in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text("utf-8"), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(pinned)
    return found


def requirements(extra: str) -> list[Requirement]:
    """The direct requirements of an extra, with those of the extras that it names."""
    found = [Requirement(line) for line in PROJECT["dependencies"]]
    for line in PROJECT["optional-dependencies"][extra]:
        requirement = Requirement(line)
        if requirement.name == "mlpc":
            found += [inner for name in requirement.extras for inner in requirements(name)]
        else:
            found.append(requirement)
    return found


@pytest.mark.parametrize(("name", "most"), [("README.md", 110), ("CONTRIBUTING.md", 60)])
def test_page_stays_short(name, most):
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= most


@pytest.mark.parametrize("command", [line for line in commands() if "make " in line])
def test_make_command_of_the_readme_exists(command):
    target = command.split("make ")[1].split()[0]
    done = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", sorted({line for line in commands() if "make " not in line}))
def test_plain_command_of_the_readme_is_understood(command):
    program, *arguments = command.split()
    assert program in ("python3", "py", ".venv/bin/python")
    arguments = arguments[1:] if program == "py" else arguments
    done = subprocess.run([sys.executable, *arguments, "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


def test_windows_and_unix_have_the_same_plain_commands():
    plain = [re.sub(r"^(python3|py -\S+|\.venv/bin/python) ", "", line) for line in commands() if "make " not in line]
    assert len(plain) == 8
    assert plain[:4] == plain[4:]


def test_environment_variables_of_the_readme_are_read():
    said = set(re.findall(r"\bMLPC_\w+", README))
    assert said == set(re.findall(r"\bMLPC_\w+", (ROOT / "booktools" / "address.py").read_text("utf-8")))


def test_code_of_the_readme_runs_without_a_warning():
    [code] = fenced("python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_paths_and_links_lead_somewhere(name):
    text = (ROOT / name).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    paths = re.findall(r"`((?:[\w.-]+/)*[\w.-]+(?:/|\.(?:md|py|yml|bib|toml|lock|cff)))`", text)
    named = {path for path in [*links, *paths] if "<" not in path}
    assert len(named) >= 5
    files = {file.relative_to(ROOT).as_posix() for file in tracked()}
    folders = {f"{parent.as_posix()}/" for file in files for parent in Path(file).parents}
    missing = {
        path for path in named if path not in files | folders and Path(path).name not in {Path(f).name for f in files}
    }
    assert not missing


def test_versions_agree():
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest
    assert PROJECT["version"] == str(CITATION["version"]) == newest[1] == version("mlpc")


def test_citation_is_valid_and_invents_nobody():
    schema = ["--builtin-schema", "vendor.citation-file-format", "CITATION.cff"]
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run([tool, *schema], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    people = [person for entry in [CITATION, *CITATION["references"]] for person in entry["authors"]]
    assert people == [{"name": "The mlpc authors"}, {"family-names": "Zhang", "given-names": "Sixin"}]


def test_both_licences_are_whole():
    code, text = ((ROOT / name).read_text("utf-8") for name in ("LICENSE", "LICENSE-text"))
    assert PROJECT["license"] == "MIT"
    assert CITATION["license"] == ["MIT", "CC-BY-4.0"]
    assert code.startswith("MIT License")
    assert "Attribution 4.0 International Public License" in text
    sections = re.findall(r"^Section (\d) -- ", text, re.MULTILINE)
    assert sections == [str(number) for number in range(1, 9)]
    assert all("Copyright (c) 2026 the mlpc authors" in licence for licence in (code, text))


@pytest.mark.parametrize("extra", LOCKS)
def test_lock_satisfies_pyproject(extra):
    locked = pins(LOCKS[extra])
    assert len(locked) > 20
    for requirement in requirements(extra):
        found = locked.get(canonicalize_name(requirement.name), set())
        assert found, f"{requirement} is not in the lock; run: make lock"
        assert all(requirement.specifier.contains(one) for one in found), f"{requirement}, but the lock has {found}"


def test_pins_of_binder_are_pins_of_the_whole():
    whole, binder = pins(LOCKS["test"]), pins(LOCKS["binder"])
    shared = whole.keys() & binder.keys()
    assert {"numpy", "scipy", "torch", "matplotlib"} <= shared
    assert {name: binder[name] for name in shared if not binder[name] <= whole[name]} == {}


@pytest.mark.parametrize("extra", LOCKS)
def test_every_pin_has_hashes_except_torch(extra):
    text = LOCKS[extra].read_text("utf-8").replace("\\\n", "")
    bare = [
        line for line in text.splitlines() if "==" in line and not line.startswith("#") and "--hash=sha256:" not in line
    ]
    assert [line.split("==")[0] for line in bare] == ["torch"]


@pytest.mark.parametrize("extra", LOCKS)
def test_no_lock_names_an_index(extra):
    assert not re.search(r"https?:|^--(?:extra-)?index-url", LOCKS[extra].read_text("utf-8"), re.MULTILINE)
