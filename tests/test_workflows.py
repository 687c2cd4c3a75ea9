"""The workflows are sound, safe and strict, and the report of the weekly run opens one issue, not many."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FOREIGN_INPUT = re.compile(r"\$\{\{")  # inside a script: an expression is pasted before the shell reads it


def load(path: Path) -> dict[str, Any]:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the key `on` as a truth value
    return workflow


def jobs() -> list[Any]:
    return [
        pytest.param(load(path), job, id=f"{path.stem}-{name}")
        for path in WORKFLOWS
        for name, job in load(path)["jobs"].items()
    ]


def steps(job: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if key in step]


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of the environment that this test runs in."""
    return subprocess.run([Path(sys.executable).with_name(tool), *arguments], cwd=ROOT, capture_output=True, text=True)


def test_the_workflows_that_the_contributors_page_names_are_there():
    assert [path.name for path in WORKFLOWS] == ["test.yml", "weekly.yml"]


def test_workflows_fit_githubs_schema():
    done = run("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))
    assert done.returncode == 0, done.stdout + done.stderr


def audit(folder: Path) -> subprocess.CompletedProcess[str]:
    return run("zizmor", "--offline", "--no-progress", "--persona", "pedantic", str(folder))


def test_workflows_pass_the_security_audit():
    done = audit(ROOT / ".github")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("permissions:\n  contents: read", "permissions: write-all", "excessive-permissions"),
        ("persist-credentials: false", "clean: true", "artipacked"),
        ("  pull_request:\n", "  pull_request_target:\n", "dangerous-triggers"),
        ('"$BASE" --event', "${{ github.head_ref }} --event", "template-injection"),
        ("actions/checkout@v6", "somebody/checkout@main", "unpinned-uses"),
    ],
)
def test_the_audit_sees_a_planted_fault(tmp_path, old, new, finding):
    workflow = tmp_path / ".github" / "workflows" / "test.yml"
    workflow.parent.mkdir(parents=True)
    shutil.copy(ROOT / ".github" / "zizmor.yml", workflow.parents[1])
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf-8")
    assert old in text
    workflow.write_text(text.replace(old, new), "utf-8")
    done = audit(tmp_path)
    assert done.returncode != 0
    assert finding in done.stdout


@pytest.mark.skipif(
    not shutil.which("actionlint"), reason="actionlint is not on the PATH; its binary is in no locked package"
)
def test_workflows_pass_actionlint():
    done = subprocess.run(["actionlint", *map(str, WORKFLOWS)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_every_script_is_strict_bash_without_pasted_expressions(workflow, job):
    assert workflow["defaults"]["run"]["shell"] == "bash"
    for step in steps(job, "run"):
        assert "shell" not in step
        assert step["run"].startswith("set -euo pipefail\n"), step
        assert not FOREIGN_INPUT.search(step["run"]), step
        checked = subprocess.run(["bash", "-n"], input=step["run"], text=True, capture_output=True)
        assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_every_action_is_githubs_own_and_pinned(workflow, job):
    for step in steps(job, "uses"):
        assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@(v\d+|[0-9a-f]{40})", step["uses"]), step


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_every_job_has_a_time_limit_and_reads_only_unless_it_must_write(workflow, job):
    assert 0 < job["timeout-minutes"] <= 120
    assert workflow["permissions"] == {"contents": "read"}
    writing = {name for name, right in job.get("permissions", {}).items() if right == "write"}
    assert not writing or not steps(job, "run") or writing == {"issues"}
    assert not (writing and any("checkout" in step["uses"] for step in steps(job, "uses")))


@pytest.mark.parametrize(("workflow", "job"), jobs())
def test_no_secret_is_used_and_checkouts_keep_no_credentials(workflow, job):
    assert "secrets." not in json.dumps(job)
    for step in steps(job, "uses"):
        if "checkout" in step["uses"]:
            assert step["with"]["persist-credentials"] is False
    tokens = [step for step in job["steps"] if "GH_TOKEN" in step.get("env", {})]
    assert all("gh " in step["run"] and ".ci/run" not in step["run"] for step in tokens)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_names_a_host(path):
    assert not re.search(r"https?://|\b[\w-]+\.(org|com|net|io)\b", path.read_text("utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_runs_of_the_same_thing_do_not_pile_up(path):
    assert load(path)["concurrency"]["group"]


def test_pull_requests_read_caches_and_never_write_them():
    job = load(ROOT / ".github/workflows/test.yml")["jobs"]["book"]
    uses = [step["uses"].split("@")[0] for step in steps(job, "uses") if "cache" in step["uses"]]
    assert uses == ["actions/cache/restore"] * 2 + ["actions/cache/save"] * 2
    for step in steps(job, "uses"):
        if "cache/restore" in step["uses"]:
            assert "hashFiles('requirements.lock')" in step["with"]["key"]
        if "cache/save" in step["uses"]:
            assert (
                "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch" in step["if"]
            )
            assert "always()" not in step["if"]


def test_weekly_runs_use_no_cache():
    text = (ROOT / ".github/workflows/weekly.yml").read_text("utf-8")
    assert "actions/cache" not in text
    assert "cache:" not in text


@pytest.mark.parametrize(("arguments", "target"), [([], "test"), (["check-all"], "check-all")])
def test_ci_makes_what_the_workflows_ask_for(tmp_path, arguments, target):
    for tool in ("make", "chromium"):
        (tmp_path / tool).write_text('#!/bin/bash\necho "$@"\n', "utf-8")
        (tmp_path / tool).chmod(stat.S_IRWXU)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    command = ["bash", ROOT / ".ci" / "run", *arguments]
    done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, [target]), done.stderr


def test_only_a_tested_push_to_the_default_branch_is_published():
    all_jobs = load(ROOT / ".github/workflows/test.yml")["jobs"]
    publish = all_jobs["publish"]
    assert set(publish["needs"]) == set(all_jobs) - {"publish"}
    for part in ("github.event_name == 'push'", "github.ref_name == github.event.repository.default_branch"):
        assert part in publish["if"]


def test_matrix_has_every_supported_python_and_tests_every_part_of_the_package():
    job = load(ROOT / ".github/workflows/test.yml")["jobs"]["package"]
    entries = job["strategy"]["matrix"]["include"]
    assert {entry["python"] for entry in entries if "ubuntu" in entry["system"]} == {"3.11", "3.12", "3.13"}
    assert {entry["system"].split("-")[0] for entry in entries} == {"ubuntu", "macos", "windows"}
    named = set(re.findall(r"tests/\w+", job["steps"][-1]["run"]))
    found = {
        f"tests/{path.name}" for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.rglob("test_*.py"))
    }
    assert named == found - {"tests/binder", "tests/book", "tests/booktools"}


@pytest.fixture
def report(tmp_path):
    """Run the report's script with a `gh` that writes its arguments down; return (exit status, the calls)."""
    job = load(ROOT / ".github/workflows/weekly.yml")["jobs"]["report"]
    [step] = job["steps"]

    def report(open_issue: str, broken: str = "") -> tuple[int, list[str]]:
        calls = tmp_path / "calls"
        calls.write_text("", "utf-8")
        gh = tmp_path / "gh"
        gh.write_text(
            f'#!/bin/bash\necho "$*" >> {calls}\n[[ "$1 $2" != "{broken}" ]] || exit 1\n'
            f'[[ "$1 $2" != "issue list" ]] || echo -n "{open_issue}"\n',
            "utf-8",
        )
        gh.chmod(stat.S_IRWXU)
        variables = dict.fromkeys(step["env"], "value")
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", step["run"]], env={**variables, "PATH": path}, capture_output=True)
        return done.returncode, [" ".join(call.split()[:3]) for call in calls.read_text("utf-8").splitlines()]

    return report


def test_report_opens_an_issue_when_none_is_open(report):
    assert report("") == (0, ["label create weekly-run", "issue list --label", "issue create --title"])


def test_report_comments_on_the_open_issue(report):
    assert report("12") == (0, ["label create weekly-run", "issue list --label", "issue comment 12"])


@pytest.mark.parametrize("broken", ["label create", "issue list", "issue create"])
def test_report_that_cannot_be_made_fails(report, broken):
    status, calls = report("", broken)
    assert status != 0
    assert calls[-1].startswith(broken)


def test_report_is_made_also_after_a_time_out():
    job = load(ROOT / ".github/workflows/weekly.yml")["jobs"]["report"]
    assert set(job["needs"]) == {"cold", "newest"}
    for name in job["needs"]:
        assert f"needs.{name}.result != 'success'" in job["if"]
    assert job["if"].startswith("${{ !cancelled()")


def test_pre_commit_runs_the_commands_of_make_test(monkeypatch, tmp_path):
    import booktools.__main__ as commands

    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(commands, "python", lambda *arguments, **_: called.append(arguments))
    monkeypatch.setattr(commands, "BUILD", tmp_path)
    for name in ("prove_equations", "run_pages", "build_site", "pytest"):
        monkeypatch.setattr(commands, name, lambda *_, **__: None)
    commands.test()
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    [repository] = configuration["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    hooked = {tuple(hook["entry"].split()) for hook in repository["hooks"]}
    assert hooked == {(".venv/bin/python", "-m", *command) for command in called}
