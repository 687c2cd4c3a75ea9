"""booktools.figures, in a small site of its own: what a drawing becomes, and which images fail the build."""

import re
from io import StringIO
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from booktools import figures
from mlpc import plots

ALT = "Two lines on log axes: the first rises with slope 2.9, the second with slope 2.0."


def drawn(alt: str = ALT) -> str:
    fig, ax = plots.figure(height=2.0)
    plots.line(ax, [0, 1], [0, 1], "prior")
    plots.line(ax, [0, 1], [1, 0], "truth")
    return plots.draw(fig, alt=alt).svg


def build(folder: Path, page: str, **files: str) -> tuple[str, str]:
    """Build a site of one page; return its HTML and the build's warnings."""
    source, out, warnings = folder / "source", folder / "out", StringIO()
    source.mkdir(exist_ok=True)
    (source / "index.rst").write_text(page)
    for name, text in files.items():
        (source / f"{name}.svg").write_text(text)
    with patch_docutils(str(source)), docutils_namespace():
        settings = {"extensions": ["booktools.figures"], "html_theme": "basic", "numfig": True}
        Sphinx(source, None, out, folder / "trees", "html", settings, status=None, warning=warnings).build()
    return (out / "index.html").read_text(), warnings.getvalue()


def images(html: str) -> list[dict[str, str]]:
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<img[^>]*>", html)]


def test_a_drawing_becomes_a_light_and_a_dark_image_with_alt_and_size(tmp_path):
    html, warnings = build(tmp_path, "Title\n=====\n\n.. image:: lines.svg\n", lines=drawn())
    assert warnings == ""
    light, dark = images(html)
    assert (light["class"], dark["class"]) == ("only-light", "only-dark")
    for image in (light, dark):
        assert image["alt"] == ALT
        assert (image["width"], image["height"], image["loading"]) == ("640", "192", "lazy")
        assert (tmp_path / "out" / image["src"]).exists()


def test_the_twins_have_no_ground_and_differ_only_in_the_palette(tmp_path):
    html, _ = build(tmp_path, "Title\n=====\n\n.. image:: lines.svg\n", lines=drawn())
    light, dark = ((tmp_path / "out" / image["src"]).read_text() for image in images(html))
    assert "#ffffff" in drawn()
    assert "#ffffff" not in light
    assert not set(plots.COLORS.values()) & set(re.findall("#[0-9a-f]{6}", dark))
    back = {plots.DARK[meaning]: plots.COLORS[meaning] for meaning in plots.COLORS}
    assert re.sub("|".join(back), lambda found: back[found.group()], dark) == light


def test_a_figure_keeps_its_caption_and_number(tmp_path):
    page = "Title\n=====\n\n.. _fig-lines:\n\n.. figure:: lines.svg\n\n   Two lines.\n\nSee :numref:`fig-lines`.\n"
    html, warnings = build(tmp_path, page, lines=drawn())
    assert warnings == ""
    assert len(images(html)) == 2
    assert html.count("<figcaption>") == 1
    assert '<span class="std std-numref">Fig. 1</span>' in html


def test_a_second_build_shows_the_same(tmp_path):
    page = "Title\n=====\n\n.. image:: lines.svg\n"
    assert build(tmp_path, page, lines=drawn()) == build(tmp_path, page, lines=drawn())


@pytest.mark.parametrize(
    ("image", "complaint"),
    [
        (".. image:: other.svg\n", "is missing"),
        (".. image:: other.svg\n   :alt: other.svg\n", "is only its path"),
        (".. image:: other.svg\n   :alt: Too short.\n", "has 10 characters"),
        (f".. image:: other.svg\n   :alt: {'long ' * 60}\n", "has 299 characters"),
        (f".. figure:: other.svg\n   :alt: {ALT}\n\n   {ALT}\n", "repeats the caption"),
    ],
)
def test_an_image_that_says_nothing_is_a_warning(tmp_path, image, complaint):
    _, warnings = build(tmp_path, f"Title\n=====\n\n{image}", other="<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert warnings.count("WARNING") == 1
    assert f"alternative text of an image {complaint}" in warnings


def test_an_image_from_elsewhere_that_says_something_is_left_as_it_is(tmp_path):
    other = "<svg xmlns='http://www.w3.org/2000/svg'/>"
    html, warnings = build(tmp_path, f"Title\n=====\n\n.. image:: other.svg\n   :alt: {ALT}\n", other=other)
    assert warnings == ""
    assert [image["alt"] for image in images(html)] == [ALT]


def test_the_description_is_read_back_with_its_signs():
    assert figures.describe(drawn(f"{ALT} n < 3 & m > 2")) == f"{ALT} n < 3 & m > 2"
