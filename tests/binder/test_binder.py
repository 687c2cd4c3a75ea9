"""Binder, emulated: its post-build step in a fresh environment, JupyterLab, the page opened as the launch button does.

What comes from conda on Binder, Python and PyTorch, is here the Python that runs the tests and its PyTorch.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import distribution
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import nbformat
import pytest
import yaml
from nbformat.reader import NotJSONError
from playwright.sync_api import Browser, Page, expect

from booktools.address import Site
from booktools.notebooks import notebook_path, running_pages
from tests.browser import ABSENT, found, started

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path.relative_to(ROOT) for path in running_pages(ROOT)]
LAUNCHER = Site("https://github.com/ada/course", "github", "main")
MINUTE = 60_000


def test_conda_gives_only_what_the_lock_leaves_out():
    wanted = yaml.safe_load((ROOT / "binder" / "environment.yml").read_text("utf-8"))["dependencies"]
    assert [re.split(r"[=<>]", name)[0] for name in wanted] == ["python", "pip", "pytorch-cpu"]
    pinned = re.search(
        r"^torch==(\d+)\.(\d+)", (ROOT / "binder" / "requirements.lock").read_text("utf-8"), re.MULTILINE
    )
    oldest, too_new = re.findall(r"(\d+)\.(\d+)", wanted[2])
    assert tuple(map(int, oldest)) <= tuple(map(int, pinned.groups())) < tuple(map(int, too_new))


def test_post_build_can_be_started():
    script = ROOT / "binder" / "postBuild"
    assert os.access(script, os.X_OK)
    assert script.read_bytes().startswith(b"#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", str(script)], check=True)


def lend_torch(venv: Path) -> None:
    """Give an environment the PyTorch of this one, as links; what PyTorch itself imports is in Binder's lock."""
    torch = distribution("torch")
    [packages] = venv.glob("lib/python*/site-packages")
    tops = {file.parts[0] for file in torch.files or () if file.parts[0] != ".."} - {"__pycache__"}
    for name in tops:
        (packages / name).symlink_to(torch.locate_file(name))


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A clone of the working tree with an environment of its own, after `binder/postBuild`."""
    folder = tmp_path_factory.mktemp("binder")
    clone, venv, home = folder / "course", folder / "venv", folder / "home"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(lambda name: (ROOT / name).is_file(), listed.stdout.splitlines()):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name)
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    lend_torch(venv)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "JUPYTER"))
    }
    cache = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
    path = f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**kept, "PATH": path, "HOME": str(home), "PIP_CACHE_DIR": cache, "OMP_NUM_THREADS": "1"}
    built = subprocess.run(["binder/postBuild"], cwd=clone, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    assert "did not run" not in built.stdout, built.stdout[-2000:] + built.stderr[-2000:]
    yield clone, environment
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def jupyterlab(clone: Path, environment: dict[str, str]) -> Iterator[str]:
    """Start what Binder's image starts, on this machine alone, and give its address; JupyterLab is at `lab`."""
    command = ["jupyter", "notebook", "--no-browser", "--ip=127.0.0.1", "--ServerApp.port=0"]
    command += ["--IdentityProvider.token=", "--ServerApp.allow_root=True"]
    runtime = Path(tempfile.mkdtemp(dir=environment["HOME"]))  # in which only this server says where it listens
    log = runtime / "jupyterlab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            command, cwd=clone, env={**environment, "JUPYTER_RUNTIME_DIR": str(runtime)}, stdout=out, stderr=out
        )
        try:
            end = time.monotonic() + 60
            while not (found := list(runtime.glob("jpserver-*.json"))):
                assert server.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < end, log.read_text("utf-8")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{json.loads(found[0].read_text('utf-8'))['port']}/"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:  # it waits for a kernel that is not going to end
                server.kill()
                server.wait()


@pytest.fixture
def lab(image) -> Iterator[str]:
    """A server for each page: nobody else's kernel runs on it."""
    with jupyterlab(*image) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = found()
    if path is None:
        pytest.fail(ABSENT, pytrace=False)
    with started(path) as chromium:
        yield chromium


def launched(path: str) -> str:
    """What the launch button asks JupyterLab to open."""
    return parse_qs(urlsplit(LAUNCHER.binder(path)).query)["urlpath"][0]


def wait_until(condition: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not after {seconds:g} s"
        time.sleep(0.5)


def kernel_is_idle(lab: str) -> bool:
    """Whether the notebook's kernel is there, is listened to, and has nothing to do."""
    with suppress(HTTPError), urlopen(f"{lab}api/kernels") as answer:  # 500 while a kernel is being started
        kernels = json.load(answer)
        return bool(kernels) and all(one["execution_state"] == "idle" and one["connections"] for one in kernels)
    return False


def run_all(page: Page, lab: str, file: Path) -> nbformat.NotebookNode:
    """Choose Run, Run All Cells; return the notebook as JupyterLab saves it when every cell of code has run."""
    wait_until(lambda: kernel_is_idle(lab), "the kernel started")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()

    last = {}

    def done() -> bool:
        page.keyboard.press("Control+s")
        with suppress(NotJSONError):  # read while it was being written
            last["notebook"] = nbformat.read(file, as_version=4)
            code = [cell for cell in last["notebook"].cells if cell.cell_type == "code"]
            return all(cell.execution_count for cell in code) and kernel_is_idle(lab)
        return False

    wait_until(done, "every cell ran", 300)
    return last["notebook"]


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_launched_page_runs_without_an_error(path, image, lab, browser):
    name = notebook_path(path.with_suffix("").as_posix())
    page = browser.new_page()
    page.goto(f"{lab}{launched(name)}?reset", wait_until="domcontentloaded")
    page.locator(".jp-NotebookPanel").first.wait_for(timeout=MINUTE)
    notebook = run_all(page, lab, image[0] / name)
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert outputs
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    page.close()


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_myst_page_opens_as_a_notebook(path, lab, browser):
    page = browser.new_page()
    page.goto(f"{lab}lab/tree/{path.as_posix()}?reset", wait_until="domcontentloaded")
    panel = page.locator(".jp-NotebookPanel").first
    panel.wait_for(timeout=MINUTE)
    expect(panel.locator(".jp-MarkdownCell").first).to_be_visible(timeout=MINUTE)
    page.close()
