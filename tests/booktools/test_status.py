"""The status page's tables are sums over the recorded runs."""

from types import SimpleNamespace

from booktools.status import coverage_rows, table


def page(**lines):
    return SimpleNamespace(record=lambda: {"lines": lines["lines"]})


def test_coverage_is_the_union_over_pages_and_counts_unimported_modules(tmp_path):
    for name in ("a", "b"):
        (tmp_path / "mlpc").mkdir(exist_ok=True)
        (tmp_path / "mlpc" / f"{name}.py").write_text("x = 1\n")
    whole = {"statements": [1, 2, 3, 4], "executed": []}
    pages = [
        page(lines={"mlpc/a.py": {**whole, "executed": [1, 2]}, "mlpc/b.py": whole}),
        page(lines={"mlpc/a.py": {**whole, "executed": [2, 3]}, "mlpc/b.py": whole}),
    ]
    rows = [
        [cell if isinstance(cell, str) else cell.astext() for cell in row] for row in coverage_rows(tmp_path, pages)
    ]
    assert rows == [
        ["mlpc/a.py", "75% of 4"],
        ["mlpc/b.py", "0% of 4"],
        ["the whole package", "38% of 8"],
    ]


def test_table_has_a_head_and_a_row_for_each_entry():
    drawn = table(["Module", "Share"], [["a", "1"], ["b", "2"]])
    assert [row.astext().split() for row in drawn.findall(lambda node: node.tagname == "row")] == [
        ["Module", "Share"],
        ["a", "1"],
        ["b", "2"],
    ]
