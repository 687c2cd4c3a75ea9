"""booktools.theme, in a small site of its own: folding blocks, displays with their badge, and repaired pages."""

import re
from io import StringIO
from pathlib import Path

import pytest
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

from booktools import theme

PAGE = """
Title
=====

.. math:: a = b
   :label: eq-one

.. math:: c = d

.. admonition:: Solution
   :class: dropdown solution

   It is zero: :math:`x = 0`.

See :eq:`eq-one`.
"""


def give_badges(app, doctree, docname):
    for node in doctree.findall(nodes.math_block):
        node["badge"] = "<b>planted badge</b>"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> str:
    folder: Path = tmp_path_factory.mktemp("theme")
    (folder / "index.rst").write_text(PAGE)
    warnings = StringIO()
    with patch_docutils(str(folder)), docutils_namespace():
        settings = {
            "extensions": ["sphinx.ext.mathjax", "sphinx_book_theme", "booktools.theme"],
            "html_theme": "sphinx_book_theme",
        }
        app = Sphinx(folder, None, folder / "out", folder / "trees", "html", settings, status=None, warning=warnings)
        app.connect("doctree-resolved", give_badges)
        app.build()
    assert warnings.getvalue() == ""
    return (folder / "out" / "index.html").read_text("utf-8")


def test_a_labelled_display_has_a_number_and_the_badge_that_it_was_given(built):
    display = re.search(r'<div class="math[^>]*id="equation-eq-one">.*?</div></div>', built, re.DOTALL)[0]
    assert r'<div class="formula">\[a = b\]</div>' in display
    assert '<span class="eqno">(1)' in display
    assert "</span><b>planted badge</b></div>" in display


def test_a_display_without_label_has_neither(built):
    assert r'<div class="formula">\[c = d\]</div></div>' in built
    assert built.count("planted badge") == 1


def test_a_dropdown_becomes_a_native_folding_block(built):
    block = re.search(r"<details.*?</details>", built, re.DOTALL)[0]
    assert block.startswith('<details class="admonition solution">')
    assert '<summary class="admonition-title">Solution</summary>' in block
    assert "It is zero" in block


def test_the_icon_script_and_fonts_are_gone(built):
    assert "fontawesome" not in built


def test_the_sidebar_is_a_named_region(built):
    assert '<div id="pst-primary-sidebar" role="region" aria-label="The course"' in built


@pytest.mark.parametrize("repair", theme.REPAIRS)
def test_each_repair_leaves_a_repaired_page_as_it_is(built, repair):
    assert repair(built) == built or repair.__name__ == "<lambda>"


def test_proofs_share_no_identifier():
    page = '<div class="proof admonition" id="proof">\n<p>Proof. Multiply.</p></div><section id="proof-content">'
    assert theme.label_proofs(page) == (
        '<div class="proof admonition">\n<p><span class="proof-label">Proof.</span> Multiply.</p></div><section>'
    )


def test_a_chapter_says_that_it_is_one():
    assert theme.name_chapter('<h1><span class="section-number">2. </span>Gaussians') == (
        '<h1><span class="section-number">Chapter 2</span> Gaussians'
    )


def test_a_sidebar_toggle_is_named_after_its_chapter():
    item = '<a class="reference internal" href="a.html">Basics</a><details><summary><span></span></summary>'
    assert '<summary aria-label="Chapters of Basics">' in theme.name_toggles(item)
