"""The performance page says what the result files hold, and also where the peer is the faster one."""

import json
import re
from pathlib import Path

import pytest

from booktools.figures import describe
from booktools.performance import conditions, drawing, read_result, rows, verdict

ROOT = Path(__file__).resolve().parents[2]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


def result(tmp_path, *cases):
    """A result file with a case for each (label, our seconds, their seconds, our memory, their memory)."""
    machine = {"processor": "Abacus 9", "architecture": "x1", "system": "Linux", "python": "3.11.0", "threads": 1}
    head = {"ours": "mlpc", "date": "2026-02-03", "repeats": 3}
    head["machine"] = {**machine, "packages": {"mlpc": "0.1", "other": "7"}, "blas": ["openblas 1"]}
    head["cases"] = [
        {
            "label": label,
            "seconds": {"mlpc": ours, "other": theirs},
            "mebibytes": {"mlpc": memory, "other": other},
            "difference": 2e-14,
        }
        for label, ours, theirs, memory, other in cases
    ]
    file = tmp_path / "one.json"
    file.write_text(json.dumps(head), "utf-8")
    return file


WON = ("small", [1.0, 2.0, 4.0], [2.0, 5.0, 8.0], 10.2, 20.7)
LOST = ("large", [2.0, 2.0, 2.0], [1.0, 1.5, 1.2], 30.0, 20.0)


def test_ratios_are_medians_over_pairs(tmp_path):
    read = read_result(result(tmp_path, WON))
    assert read.cases[0].ratios.tolist() == [2, 2.5, 2]
    assert rows(read) == [["small", "2", "5", "2.00 (2.00 to 2.50)", "10", "21", "2e-14"]]
    assert verdict(read) == "other needs between 2.00 and 2.00 times the processor time of mlpc."


def test_a_peer_that_wins_is_named_with_the_cases(tmp_path):
    read = read_result(result(tmp_path, WON, LOST))
    assert verdict(read) == (
        "other needs between 0.60 and 2.00 times the processor time of mlpc; other is the faster one for large. "
        "mlpc takes more memory for large."
    )
    assert "2 cases: from 0.6 to 2.0, 1 of them at least 1." in drawing(read).alt


def test_conditions_name_the_class_of_machine_and_the_versions(tmp_path):
    said = conditions(read_result(result(tmp_path, WON)))
    for part in ("2026-02-03", "Abacus 9 (x1)", "one thread", "Python 3.11.0", "other 7", "openblas 1", "3 times"):
        assert part in said


@pytest.mark.parametrize("text", ["", "{}", '{"cases": []}', '{"cases": [{"seconds": {}}], "ours": "mlpc"}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    file = tmp_path / "broken.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"broken\.json is no result of a benchmark .* run make bench"):
        read_result(file)


def test_page_shows_sentence_figure_and_table_and_is_written_anew_with_a_new_result(tmp_path, build):
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    result(tmp_path / "benchmarks" / "results", WON)
    (tmp_path / "conf.py").write_text(
        'extensions = ["myst_parser", "booktools.performance", "booktools.figures"]\nnumfig = True\n'
    )
    (tmp_path / "index.md").write_text("# Page\n\n```{benchmark} one\n:name: fig-one\n```\n\nSee {numref}`fig-one`.\n")
    (tmp_path / "other.md").write_text("---\norphan: true\n---\n# Other\n")
    build(tmp_path, exclude_patterns=["_build"])
    page = (tmp_path / "_build" / "html" / "index.html").read_text("utf-8")
    assert "2.00 (2.00 to 2.50)" in page
    assert "other needs between 2.00 and 2.00 times" in page
    assert re.search(r'alt="Ratios of processor time, other over mlpc, for 1 cases', page)
    assert ".dark.svg" in page
    assert "Fig. 1" in page
    assert describe((tmp_path / "_build" / "performance" / "one.svg").read_text("utf-8")) in page
    result(tmp_path / "benchmarks" / "results", LOST)
    assert build(tmp_path, exclude_patterns=["_build"]).written == ["index"]
    assert "other is the faster one for large" in (tmp_path / "_build" / "html" / "index.html").read_text("utf-8")


def test_page_without_its_result_does_not_build(tmp_path, build):
    (tmp_path / "conf.py").write_text('extensions = ["myst_parser", "booktools.performance"]\n')
    (tmp_path / "index.md").write_text("# Page\n\n```{benchmark} none\n```\n")
    with pytest.raises(Exception, match=r"none\.json is no result of a benchmark"):
        build(tmp_path, exclude_patterns=["_build"])


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_committed_results_name_no_host_and_are_drawn(file):
    read = read_result(file)
    assert set(read.head["machine"]) == {"processor", "architecture", "system", "python", "packages", "blas", "threads"}
    assert read.head["machine"]["threads"] == 1
    assert len(rows(read)) == len(read.cases) > 0
    assert f"{{benchmark}} {file.stem}" in (ROOT / "book" / "appendix" / "performance.md").read_text("utf-8")
    assert drawing(read).alt.startswith("Ratios of processor time")
