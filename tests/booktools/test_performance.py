"""The performance page says what the result files hold, and also where the peer is the faster one."""

import json
import re
from pathlib import Path

import pytest

from booktools.figures import describe
from booktools.performance import KINDS, costs, curves, experiments, ratios
from booktools.performance.ratios import HOW, drawing, rows, verdict
from booktools.performance.results import conditions, listed, read

ROOT = Path(__file__).resolve().parents[2]
RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.json"))


def written(tmp_path, kind, cases, **more):
    """A result file."""
    machine = {"processor": "Abacus 9", "architecture": "x1", "system": "Linux", "python": "3.11.0", "threads": 1}
    head = {"kind": kind, "ours": "mlpc", "date": "2026-02-03", "repeats": 3, **more}
    head["machine"] = {**machine, "packages": {"mlpc": "0.1", "other": "7"}, "blas": ["openblas 1"]}
    file = tmp_path / "one.json"
    file.write_text(json.dumps({**head, "cases": cases}), "utf-8")
    return file


def result(tmp_path, *cases):
    """A result file with a case for each (label, our seconds, their seconds, our memory, their memory)."""
    ratios = [
        {
            "label": label,
            "seconds": {"mlpc": ours, "other": theirs},
            "mebibytes": {"mlpc": memory, "other": other},
            "difference": 2e-14,
        }
        for label, ours, theirs, memory, other in cases
    ]
    return written(tmp_path, "ratios", ratios)


def parsed(file):
    """What a result file holds."""
    kind, found = read(file, KINDS)
    assert KINDS[found.head.get("kind", "ratios")] is kind
    return found


WON = ("small", [1.0, 2.0, 4.0], [2.0, 5.0, 8.0], 10.2, 20.7)
LOST = ("large", [2.0, 2.0, 2.0], [1.0, 1.5, 1.2], 30.0, 20.0)


def test_ratios_are_medians_over_pairs(tmp_path):
    found = parsed(result(tmp_path, WON))
    assert found.cases[0].ratios.tolist() == [2, 2.5, 2]
    assert rows(found) == [["small", "2", "2 (2 to 2.5)", "mlpc 10, other 21", "2e-14"]]
    assert len(ratios.head(found)) == len(rows(found)[0])
    assert verdict(found) == "other needs 2 times the processor time of mlpc."


def test_a_peer_that_wins_is_named_with_the_cases(tmp_path):
    found = parsed(result(tmp_path, WON, LOST))
    assert verdict(found) == (
        "other needs between 0.6 and 2 times the processor time of mlpc; other is the faster one for large. "
        "mlpc takes more memory than other for large."
    )
    assert "2 pairs: from 0.6 to 2.0, 1 of them at least 1." in drawing(found).alt


def test_conditions_name_the_class_of_machine_and_the_versions(tmp_path):
    said = conditions(parsed(result(tmp_path, WON)), HOW)
    for part in ("2026-02-03", "Abacus 9 (x1)", "one thread", "Python 3.11.0", "other 7", "openblas 1", "3 times"):
        assert part in said


@pytest.mark.parametrize("text", ["", "{}", '{"cases": []}', '{"cases": [{"seconds": {}}], "ours": "mlpc"}'])
def test_what_is_no_result_is_refused(tmp_path, text):
    file = tmp_path / "broken.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"broken\.json is no result of a benchmark .* run make bench"):
        read(file, KINDS)


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
    assert "2 (2 to 2.5)" in page
    assert "other needs 2 times" in page
    assert re.search(r'alt="Ratios of processor time, other over mlpc, for 1 pairs', page)
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


def test_each_peer_has_its_verdict_and_a_form_of_our_own_is_marked(tmp_path):
    case = {
        "label": "many",
        "seconds": {"mlpc": [1e-4], "a": [5e-5], "b": [3e-3], "mlpc on torch": [2e-4]},
        "difference": 0,
    }
    found = parsed(written(tmp_path, "ratios", [case], variants=["mlpc on torch"]))
    assert [one.variant for one in found.cases] == [False, False, True]
    said = verdict(found)
    assert "a needs 0.5 times the processor time of mlpc; a is the faster one for many." in said
    assert "b needs 30 times the processor time of mlpc." in said
    assert "mlpc on torch needs 2 times" in said
    assert rows(found) == [["many", "100", "0.5", "30", "2", "0e+00"]]
    assert ratios.head(found) == ["Case", "mlpc, µs", "a", "b", "mlpc on torch", "Difference"]
    assert "µs" in " ".join(ratios.head(found))
    assert "a and b over mlpc, for 2 pairs: from 0.5 to 30.0, 1 of them" in drawing(found).alt


def test_memory_of_many_peers_is_said_below_the_table(tmp_path):
    sizes = {"mlpc": 3.2, "a": 40.4}
    case = {
        "label": "many",
        "seconds": {who: [1.0] for who in ("mlpc", "a", "b", "c")},
        "difference": 0,
        "mebibytes": sizes,
    }
    found = parsed(written(tmp_path, "ratios", [case]))
    assert ratios.note(found) == "Memory, MiB: many: mlpc 3, a 40."
    assert len(rows(found)[0]) == len(ratios.head(found)) == 6


def test_shares_of_decompositions_are_ours_and_theirs(tmp_path):
    case = {
        "label": "a",
        "seconds": {"mlpc": [1.0], "other": [2.0]},
        "difference": 0,
        "shares": {"mlpc": 0.25, "other": 0.5},
    }
    found = parsed(written(tmp_path, "ratios", [case]))
    assert ratios.head(found)[-2] == "Decompositions"
    assert rows(found)[0][-2] == "mlpc 25%, other 50%"


def test_costs_have_the_slope_of_the_law_that_they_follow(tmp_path):
    cases = [
        {
            "n": n,
            "seconds": {"mlpc": [2e-6 * n] * 3, "other": [1e-9 * n**2] * 3},
            "mebibytes": {"mlpc": n / 1e3, "other": n},
        }
        for n in (100, 1000, 10_000)
    ]
    found = parsed(written(tmp_path, "costs", cases))
    said = costs.verdict(found)
    assert "mlpc: the time of a cycle grows like n to the power 1.00 from n = 100 to 10,000, where it is 0.02 s" in said
    assert "other: the time of a cycle grows like n to the power 2.00" in said
    assert [row[:2] for row in costs.rows(found)][:2] == [["100", "mlpc"], ["100", "other"]]
    assert {len(row) for row in costs.rows(found)} == {len(costs.head(found))}
    assert "mlpc slope 1.00" in costs.drawing(found).alt


def score(mean, error=0.002, scatter=0.01):
    """A mean as the result files have it."""
    return {"mean": mean, "error": error, "scatter": scatter}


def row(name, mean, lost=0, **about):
    """A filter's row."""
    setting = {"experiments": 20, "cycles": 1000, "climatology": 3.64}
    return {"name": name, "rmse_a": score(mean), "rmse_b": score(mean), "lost": lost, **setting, **about}


def test_a_filter_that_lost_experiments_is_named_and_so_is_the_one_furthest_from_what_was_published(tmp_path):
    rows = [row("good", 0.2, published=0.21), row("fragile", 1.5, lost=7, published=0.9), row("broken", None, lost=20)]
    rows[2]["rmse_a"] = rows[2]["rmse_b"] = score(None, None, None)
    found = parsed(written(tmp_path, "experiments", rows))
    assert experiments.verdict(found) == (
        "20 experiments of 1,000 cycles each: lost by fragile (7 of 20) and broken (20 of 20). The errors differ from "
        "the 2 reference values by +0.600 at most, for fragile."
    )
    cells = experiments.rows(found)
    assert cells[0] == ["good", "0.21", "0.200 ± 0.002", "0.200 ± 0.002", "0 of 20"]
    assert cells[2] == ["broken", "", "not finite", "not finite", "20 of 20"]
    assert {len(one) for one in cells} == {len(experiments.head(found))}
    assert "from 0.200 of good to 1.500 of fragile; 2 of them lost" in experiments.drawing(found).alt


def test_survivors_alone_are_said_to_have_survived(tmp_path):
    found = parsed(written(tmp_path, "experiments", [row("good", 0.2)]))
    assert experiments.verdict(found) == "20 experiments of 1,000 cycles each: none was lost by any filter."
    assert "Reference" not in experiments.head(found)
    found = parsed(written(tmp_path, "experiments", [row("good", 0.2), row("slow", 0.3, experiments=5)]))
    assert experiments.verdict(found).startswith("20 experiments of 1,000 cycles each (fewer for slow): none was lost")


def test_curves_say_which_points_agree(tmp_path):
    points = [
        row("A N=5", 0.24, method="A", N=5, published=0.2),
        row("A N=9", 0.181, method="A", N=9, published=0.18),
        row("B N=5", 3.0, lost=20, method="B", N=5, published=3.01),
        row("B N=9", 0.2, method="B", N=9, published=0.195),
        row("flat", 0.41, method="flat", published=0.4),
    ]
    found = parsed(written(tmp_path, "curves", points, published={"climatology": 3.6}))
    said = curves.verdict(found)
    assert "Of the 3 points with a published error below 0.25, 2 are within 0.01 of it; not so A N=5 (+0.040)." in said
    assert "Of the 2 others, where most filters lose the truth, 2 are within" in said
    assert said.endswith("flat: 0.410 ± 0.002, published 0.4. Climatology: 3.640, published 3.6.")
    assert curves.rows(found)[0] == ["5", "0.240 ± 0.002", "0.2", "3.000 ± 0.002", "3.01"]
    assert curves.head(found) == ["N", "A", "published", "B", "published"]
    assert "2 panels; the least are A 0.181, B 0.200" in curves.drawing(found).alt


def test_means_are_said_with_the_digits_that_their_errors_leave():
    assert str(experiments.Score(0.16934, 0.00041, 0.1)) == "0.1693 ± 0.0004"
    assert str(experiments.Score(3.1234, 0.26, 0.1)) == "3.1 ± 0.3"
    assert str(experiments.Score(118.26, 2.1, 0.1)) == "118 ± 2"
    assert listed(["one"]) == "one"


@pytest.mark.parametrize("file", RESULTS, ids=lambda file: file.stem)
def test_committed_results_name_no_host_and_are_drawn(file):
    kind, found = read(file, KINDS)
    assert set(found.head["machine"]) == {
        "processor",
        "architecture",
        "system",
        "python",
        "packages",
        "blas",
        "threads",
    }
    assert found.head["machine"]["threads"] == 1
    assert len(kind.rows(found)) > 0
    assert {len(row) for row in kind.rows(found)} == {len(kind.head(found))}
    assert f"{{benchmark}} {file.stem}" in (ROOT / "book" / "appendix" / "performance.md").read_text("utf-8")
    assert kind.drawing(found).alt
    assert kind.verdict(found)
    assert found.head["date"] in conditions(found, kind.HOW)
