"""The plan of the house: who may import whom, what an import may cost, and where things stand."""

import ast
import re
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

import mlpc.assimilation
import mlpc.basics

ROOT = Path(__file__).parents[1]
WINGS = ("basics", "assimilation", "invariance", "molecules")
MAY_IMPORT = {  # room of mlpc -> the other rooms that it may import
    "arguments": set(),
    "plots": set(),
    "verify": set(),
    "exercises": {"verify"},
    "basics": {"arguments"},
    "assimilation": {"arguments", "basics"},
    "invariance": {"arguments", "basics"},
    "molecules": {"arguments", "invariance"},
}
HEAVY = ("torch", "sympy", "kymatio", "matplotlib", "sklearn", "beartype", "av")
LEFTOVERS = {
    "utils",
    "util",
    "utilities",
    "helpers",
    "helper",
    "misc",
    "common",
    "tools",
    "stuff",
    "lib",
    "temp",
    "old",
}
LONGEST = 250  # lines of code in a module of mlpc: no blank lines, comments or docstrings


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(source: str) -> set[str]:
    """All absolute module names that a source imports, at any depth; `from mlpc import plots` counts as mlpc.plots."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide where a name comes from"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "mlpc").with_suffix("").parts[0]


def forbidden(room: str, source: str) -> set[str]:
    """What a source in this room of mlpc imports against the arrows."""
    own = {name for name in imported(source) if name.split(".")[0] == "mlpc" and name.count(".")}
    wrong = {name for name in own if name.split(".")[1] not in MAY_IMPORT[room] | {room}}
    return wrong | {name for name in imported(source) if name.split(".")[0] in ("booktools", "tests")}


@pytest.mark.parametrize("path", sources("mlpc"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_arrows_between_the_rooms_go_one_way(path):
    if path == ROOT / "mlpc" / "__init__.py":
        assert not imported(path.read_text("utf-8"))
    else:
        assert not forbidden(room_of(path), path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("room", "line", "name"),
    [
        ("basics", "from mlpc.assimilation.kalman import KalmanFilter", "mlpc.assimilation.kalman.KalmanFilter"),
        ("basics", "def f():\n    from mlpc import invariance", "mlpc.invariance"),
        ("plots", "import mlpc.basics as b", "mlpc.basics"),
        ("assimilation", "from booktools import lint", "booktools.lint"),
    ],
)
def test_an_arrow_against_the_plan_is_seen(room, line, name):
    assert forbidden(room, line) == {name}
    assert not forbidden("assimilation", "import numpy\nfrom mlpc.basics import Gaussian\nfrom mlpc import arguments")


def test_every_room_of_the_package_is_in_the_plan():
    rooms = {room_of(path) for path in sources("mlpc")} - {"__init__"}
    assert rooms <= set(MAY_IMPORT)


@pytest.mark.parametrize("name", ["mlpc", "mlpc.basics", "mlpc.assimilation"])
def test_an_import_costs_nothing_that_it_does_not_need(name):
    code = f"import sys, {name}; print(*sorted({set(HEAVY)} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert run.stdout.split() == []


@pytest.mark.parametrize("folder", ["mlpc", "booktools", "tests"])
def test_no_module_is_a_drawer_for_leftovers(folder):
    assert not [path for path in sources(folder) if set(path.stem.split("_")) & LEFTOVERS]


@pytest.mark.parametrize("path", sources("mlpc"), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_is_one_idea_that_can_be_read_at_one_sitting(path):
    assert len(lines_of_code(path)) <= LONGEST


def lines_of_code(path: Path) -> set[int]:
    """The numbers of the lines that hold code: no blank line, comment or docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    strings = [
        node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    ]
    docstrings = {line for string in strings for line in range(string.lineno, (string.end_lineno or 0) + 1)}
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    with tokenize.open(path) as file:
        tokens = [token for token in tokenize.generate_tokens(file.readline) if token.type not in layout]
    return {line for token in tokens for line in range(token.start[0], token.end[0] + 1)} - docstrings


def test_tests_mirror_the_package():
    modules = [path for path in sources("mlpc") if not path.stem.startswith("_") and room_of(path) != "exercises"]
    missing = [path for path in modules if not mirror(path).exists()]
    assert not missing
    for wing in WINGS:
        strays = {path.name for path in (ROOT / "tests" / wing).glob("test_*.py")} - {
            mirror(path).name for path in modules
        }
        assert not strays


def mirror(path: Path) -> Path:
    inside = path.relative_to(ROOT / "mlpc")
    return ROOT / "tests" / inside.with_name(f"test_{inside.name}")


def test_equations_are_proved_under_the_name_of_their_page():
    pages = {path.stem for path in (ROOT / "book").rglob("*.md")}
    assert {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "equations").glob("test_*.py")} <= pages


def test_every_public_name_stands_on_the_api_page():
    page = (ROOT / "book" / "appendix" / "api.md").read_text("utf-8")
    for wing in (mlpc.basics, mlpc.assimilation):
        entry = rf"^\.\. auto(?:function|class|exception):: {re.escape(wing.__name__)}\.(\w+)$"
        assert set(wing.__all__) <= set(re.findall(entry, page, re.MULTILINE))
    for module in ("mlpc.arguments", "mlpc.exercises", "mlpc.plots", "mlpc.verify"):
        assert re.search(rf"^\.\. automodule:: {module}\n   :members:", page, re.MULTILINE)
