"""Which displays of a page count as labelled equations."""

from booktools.ledger import book_equations, labelled_equations

PAGE = """
$$
a = b
$$ (eq-one)

$$
c = d
$$

Inline $x$ and a display on several lines:

$$
e &= f \\\\
  &= g
$$ (eq-two-lines)
"""


def test_labelled_displays_are_found_and_others_are_not():
    assert labelled_equations(PAGE) == {"eq-one": "a = b", "eq-two-lines": "e &= f \\\\\n  &= g"}


def test_all_pages_of_the_book_are_read(tmp_path):
    for name in ("basics/one", "invariance/two"):
        page = tmp_path / "book" / f"{name}.md"
        page.parent.mkdir(parents=True)
        page.write_text(f"$$\nx\n$$ (eq-{page.stem})\n")
    assert set(book_equations(tmp_path)) == {"eq-one", "eq-two"}
