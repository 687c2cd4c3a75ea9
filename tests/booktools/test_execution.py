"""The build cannot lie: a change of the package reaches the page, and what is wrong fails the build every time."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRONT = """---
jupytext: {{formats: "md:myst", text_representation: {{extension: .md, format_name: myst}}}}
kernelspec: {{display_name: Python 3, language: python, name: python3}}
chapter: {{part: Basics, modules: [], uses: [basics], data: [], hours: 1, budget: {budget}}}
---
# A page

:::{{admonition}} Before you start
:class: chapter-card
Nothing.
:::

$$
a = a
$$ (eq-page)

"""
NUMBER = """```{code-cell}
from mlpc.basics import determinant_lemma
from myst_nb import glue
import numpy as np
sign, logabsdet = determinant_lemma((1.0, 0.0), lambda b: b, np.ones((1, 1)), np.ones((1, 1)))
glue("number", float(np.exp(logabsdet)), display=False)
```

The number is {glue:text}`number:.3f`.
"""
PROOF = """from mlpc.verify.certificate import Certificate


def test_eq_page(certify):
    'a = a'
    assert {verdict}
    certify(Certificate("a = a", "by hand", "A", "all sizes", mutants=("b",)))
"""


@pytest.fixture
def scratch(tmp_path):
    """A copy of the project whose book is one small page, with the commands of the project."""
    for folder in ("booktools", "mlpc"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("_config.yml", "pyproject.toml", "requirements.lock", "book/notation.yml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: book/basics/page\n")
    (tmp_path / "references.bib").touch()
    (tmp_path / "index.md").write_text("# Front page\n")
    (tmp_path / "tests/equations").mkdir(parents=True)
    shutil.copy(ROOT / "tests/equations/conftest.py", tmp_path / "tests/equations")
    (tmp_path / "tests/equations/test_page.py").write_text(PROOF.format(verdict=True))
    write_page(tmp_path, NUMBER)
    return tmp_path


def write_page(scratch, body, budget="{}", name="page"):
    page = scratch / f"book/basics/{name}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(FRONT.format(budget=budget) + body)


def command(scratch, *arguments):
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "COVERAGE_PROCESS_START")}
    environment["PYTHONPATH"] = str(scratch)
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=scratch, env=environment, capture_output=True, text=True, timeout=300
    )
    done.output = done.stdout + done.stderr
    return done


def book(scratch):
    return command(scratch, "booktools", "book")


def run_pages(scratch):
    return command(scratch, "booktools.execution")


def shown_number(scratch):
    html = (scratch / "_build/html/book/basics/page.html").read_text()
    return re.search(r"The number is\s*(?:<[^>]*>\s*)*([\d.]+)", html)[1]


def edit(scratch, old, new):
    module = scratch / "mlpc/basics/sherman_morrison.py"
    source = module.read_text()
    assert source.count(old) == 1
    module.write_text(source.replace(old, new))


def test_an_edit_of_the_package_changes_the_number_and_a_text_edit_runs_nothing(scratch):
    first = book(scratch)
    assert first.returncode == 0, first.output
    assert shown_number(scratch) == "2.000"
    module = scratch / "mlpc/basics/sherman_morrison.py"
    source = module.read_text()
    module.write_text(
        source + "\n\n_true = determinant_lemma\n\n\ndef determinant_lemma(*args):\n"
        "    sign, logabsdet = _true(*args)\n    return sign, logabsdet + np.log(2)\n"
    )
    assert book(scratch).returncode == 0
    assert shown_number(scratch) == "4.000"
    module.write_text(source)
    write_page(scratch, NUMBER + "\nMore text.\n")
    assert book(scratch).returncode == 0
    assert shown_number(scratch) == "2.000"
    write_page(scratch, NUMBER + "\nStill more text.\n")
    last = book(scratch)
    assert last.returncode == 0
    assert "none executed" in last.stdout
    assert "unchanged since they were proved" in last.stdout


def test_an_exception_fails_the_build_twice_and_is_named(scratch):
    write_page(scratch, "```{code-cell}\nx = 1\n```\n\n```{code-cell}\nraise KeyError('planted')\n```\n")
    line = (scratch / "book/basics/page.md").read_text().split("raise KeyError")[0].count("\n") + 1
    for _ in range(2):
        done = book(scratch)
        assert done.returncode == 1
        assert re.search(rf"book/basics/page\.md:{line}, code cell 2: KeyError: 'planted'", done.output), done.output
        assert not (scratch / "_build/html/index.html").exists()
    assert "planted" in (scratch / "_build/reports/book/basics/page.log").read_text()


def test_a_direct_call_of_jupyter_book_fails_too(scratch):
    write_page(scratch, "```{code-cell}\nraise KeyError('planted')\n```\n")
    for _ in range(2):
        script = Path(sys.executable).parent / "jupyter-book"
        done = subprocess.run([script, "build", "."], cwd=scratch, capture_output=True, text=True)
        assert done.returncode != 0
        assert "code cell 1: KeyError: 'planted'" in done.stderr


def test_a_sphinx_warning_fails_the_build_twice(scratch):
    write_page(scratch, NUMBER + "\nSee {eq}`eq-nowhere`.\n")
    for _ in range(2):
        done = book(scratch)
        assert done.returncode == 1
        assert "eq-nowhere" in done.output


def test_an_equation_that_is_not_proved_stops_the_book(scratch):
    (scratch / "tests/equations/test_page.py").write_text(PROOF.format(verdict=False))
    done = book(scratch)
    assert done.returncode == 1
    assert "the proof of the equations failed" in done.stderr
    assert not (scratch / "_build/html").exists()


WRONG = {
    "slow": ("import time; time.sleep(0.3)", "{seconds: 0.2}", r"took \d+ s, its budget is 0\.2 s"),
    "large": ("x = b'1' * 400_000_000", "{megabytes: 300}", r"took \d+ MB, its budget is 300 MB"),
    "endless": ("import time; time.sleep(9)", "{seconds: 0.5}", "code cell 1: .*timed out"),
    "loud": ("import sys; print('planted', file=sys.stderr)", "{}", "code cell 1: wrote to stderr: planted"),
    "warning": ("import warnings; warnings.warn('planted')", "{}", "code cell 1: wrote to stderr: .*warn"),
    "dead": ("import os; os._exit(1)", "{}", "code cell 1: .*[Kk]ernel died"),
    "later": ("import mlpc.assimilation.planted", "{}", r"imports mlpc/assimilation/planted\.py, whose wing"),
    "blank": ("import sys; print(file=sys.stderr)", "{}", r"code cell 1: wrote to stderr: \(blank\)"),
    "error": ("raise ValueError('first\\nsecond')", "{}", "code cell 1: ValueError: first second$"),
}


def test_what_is_wrong_with_a_run_is_one_line_and_keeps_no_record(scratch):
    (scratch / "mlpc/assimilation/planted.py").write_text("x = 1\n")
    for name, (body, budget, _) in WRONG.items():
        write_page(scratch, f"```{{code-cell}}\n{body}\n```\n", budget, name)
    done = run_pages(scratch)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for name, (_, _, fault) in WRONG.items():
        assert re.search(rf"book/basics/{name}\.md\b.*{fault}", done.stderr, re.MULTILINE), done.output
    assert [record.stem for record in (scratch / "_build/execution").rglob("*.json")] == ["page"]


VERDICTS = {
    "stub": ("exercise-stub", "unanswered", True),
    "solved": ("exercise-stub", "right", False),
    "solution": ("other", "right", True),
    "mistake": ("other", "wrong", False),
}


def test_solutions_must_be_accepted_and_stubs_unanswered(scratch):
    for name, (tag, state, _) in VERDICTS.items():
        verdict = {"label": f"{name}-1", "correct": state == "right", "misconception": None, "state": state}
        shown = f"display({{'application/vnd.mlpc.verdict+json': {verdict}}}, raw=True)"
        body = f"from IPython.display import display\n{shown}"
        write_page(scratch, f"```{{code-cell}}\n:tags: [{tag}]\n\n{body}\n```\n", name=name)
    done = run_pages(scratch)
    assert done.returncode == 1
    for name, (_, state, fits) in VERDICTS.items():
        assert (f"{name}-1 is {state} here" in done.stderr) != fits, done.output
        assert (scratch / f"_build/execution/book/basics/{name}.json").exists() == fits


def test_front_matter_errors_name_page_and_field(scratch):
    page = scratch / "book/basics/page.md"
    page.write_text(page.read_text().replace("hours: 1", "hours: many"))
    done = run_pages(scratch)
    assert done.returncode == 1
    assert re.fullmatch(r".*page\.md: chapter\.hours: .*\n", done.stderr), done.stderr


def test_a_lower_budget_counts_without_a_new_run(scratch):
    assert run_pages(scratch).returncode == 0
    write_page(scratch, NUMBER, "{megabytes: 1}")
    done = run_pages(scratch)
    assert done.returncode == 1
    assert "none executed" in done.stdout
    assert "its budget is 1 MB" in done.stderr


def test_a_damaged_record_or_cache_runs_the_page_again(scratch):
    assert run_pages(scratch).returncode == 0
    (entry,) = (scratch / "_build/.jupyter_cache").rglob("base.ipynb")
    record = scratch / "_build/execution/book/basics/page.json"
    damages = [(record, text) for text in ("", "[]", "{}", "null", '{"key": 1')]
    damages += [(entry, "damage"), (scratch / "_build/.jupyter_cache/global.db", "damage")]
    for file, damage in damages:
        file.write_text(damage)
        done = run_pages(scratch)
        assert done.returncode == 0, done.output
        assert "[1/1] book/basics/page ran" in done.stdout, (file, damage)
    assert "none executed" in run_pages(scratch).stdout


def test_what_a_subprocess_of_a_cell_prints_does_no_harm(scratch):
    write_page(scratch, "```{code-cell}\nimport os\n_ = os.system('echo planted')\n```\n")
    assert run_pages(scratch).returncode == 0


def test_two_pages_with_the_same_code_are_refused(scratch):
    page = scratch / "book/basics/page.md"
    shutil.copy(page, page.with_name("twin.md"))
    done = run_pages(scratch)
    assert done.returncode == 1
    assert "hold the same code" in done.stderr


def test_a_long_temporary_folder_does_no_harm(scratch, monkeypatch):
    long = scratch / ("x" * 100)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    done = run_pages(scratch)
    assert done.returncode == 0, done.output


def test_numbers_follow_and_deleted_pages_go(scratch):
    other = scratch / "book/basics/other.md"
    other.write_text("# Another page\n\nThe equation is {eq}`eq-page` of the page.\n")
    toc = scratch / "_toc.yml"
    toc.write_text(toc.read_text() + "  - file: book/basics/other\n")
    assert book(scratch).returncode == 0
    html = scratch / "_build/html/book/basics"
    assert ">(1)<" in (html / "other.html").read_text()
    page = scratch / "book/basics/page.md"
    page.write_text(page.read_text().replace("$$\na = a", "$$\nb = b\n$$ (eq-before)\n\n$$\na = a"))
    proof = PROOF.format(verdict=True)
    before = proof.partition("\n\n\n")[2].replace("test_eq_page", "test_eq_before").replace("'a = a'", "'b = b'")
    (scratch / "tests/equations/test_page.py").write_text(f"{proof}\n\n{before}")
    assert book(scratch).returncode == 0
    assert ">(2)<" in (html / "other.html").read_text()
    other.unlink()
    toc.write_text(toc.read_text().replace("  - file: book/basics/other\n", ""))
    assert book(scratch).returncode == 0
    assert not (html / "other.html").exists()


def test_a_warning_of_a_direct_build_is_not_forgotten(scratch):
    write_page(scratch, NUMBER + "\n#### A heading that skips levels\n")
    script = Path(sys.executable).parent / "jupyter-book"
    assert subprocess.run([script, "build", "."], cwd=scratch, capture_output=True).returncode == 0
    assert book(scratch).returncode == 1
