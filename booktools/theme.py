"""What the book looks like, as far as markup decides it: the theme's settings, folding blocks, displays, and repairs.

The rest is in `static/book.css` and `static/book.js`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.ext.mathjax import html_visit_displaymath

STATIC = Path(__file__).resolve().parent / "static"
THEME_OPTIONS = {
    "navbar_persistent": [],
    "toc_title": "On this page",
    "show_toc_level": 2,
    "show_navbar_depth": 2,
    "home_page_in_toc": False,
    "use_fullscreen_button": False,
    "use_download_button": False,
    "back_to_top_button": False,
    "footer_content_items": ["copyright.html"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
HIDDEN_COLUMN = (
    '<span class="visually-hidden">column </span>'  # so that a head that is only a formula is not called empty
)
DISPLAY = re.compile(
    r'(?P<open><div[^>]*>)\s*(?P<number><span class="eqno">.*?</span>)?(?P<formula>.*)</div>\s*', re.DOTALL
)


class fold(nodes.Admonition, nodes.Element):
    """A block that stays closed until its title is pressed."""


class fold_title(nodes.Part, nodes.TextElement):
    """The title of a folding block."""


def configure(app: Sphinx, config: Any) -> None:
    """Sphinx `config-inited`: the theme's settings."""
    config.html_theme_options = {**config.html_theme_options, **THEME_OPTIONS}
    config.html_context = {"default_mode": "auto", **config.html_context}
    config.html_static_path = [*config.html_static_path, str(STATIC)]
    config.html_favicon = str(STATIC / "favicon.svg")
    config.html_permalinks_icon = "#"
    config.html_scaled_image_link = False
    config.nb_code_prompt_show, config.nb_code_prompt_hide = "Show the code", "Hide the code"


def fold_blocks(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Sphinx `doctree-resolved`: blocks of class `dropdown` become native folding blocks, which need no script."""
    if app.builder.format != "html":
        return
    for block in list(doctree.findall(nodes.Element)):
        if isinstance(block, nodes.Admonition) and "dropdown" in block.get("classes", []) and block.children:
            title, *rest = block.children
            folded = fold("", fold_title("", "", *title.children), *rest)
            folded.update_basic_atts(block)
            block.replace_self(folded)
            folded["classes"] = ["admonition", *(name for name in block["classes"] if name != "dropdown")]


def visit_fold(translator: Any, node: fold) -> None:
    translator.body.append(translator.starttag(node, "details"))


def depart_fold(translator: Any, node: fold) -> None:
    translator.body.append("</details>\n")


def visit_fold_title(translator: Any, node: fold_title) -> None:
    translator.body.append(translator.starttag(node, "summary", "", CLASS="admonition-title"))


def depart_fold_title(translator: Any, node: fold_title) -> None:
    translator.body.append("</summary>\n")


def visit_display(translator: Any, node: nodes.math_block) -> None:
    """Write a display as a formula that scrolls in its own box, its number, and the badge that the ledger gave it."""
    start = len(translator.body)
    with suppress(nodes.SkipNode):
        html_visit_displaymath(translator, node)
    text = "".join(translator.body[start:])
    del translator.body[start:]
    found = DISPLAY.fullmatch(text)
    assert found, f"a display that is not written as Sphinx writes it: {text}"
    opening, number, formula = found.group("open", "number", "formula")
    if number:
        number = f'<div class="number">{number}{node.get("badge", "")}</div>'
    translator.body.append(f'{opening}<div class="formula">{formula}</div>{number or ""}</div>\n')
    raise nodes.SkipNode


def name_toggles(page: str) -> str:
    """Give each sidebar toggle the name of the chapter that it opens."""
    toggle = re.compile(
        r'(<a class="reference internal" href="[^"]*">\s*)([^<]*?)(\s*</a>\s*<details[^>]*>\s*<summary)(?=>)'
    )
    return toggle.sub(lambda found: f'{found[0]} aria-label="Chapters of {found[2].strip()}"', page)


def quiet_icons(page: str) -> str:
    """Leave out the script that draws the theme's icons: `book.css` draws the few that the book uses."""
    return re.sub(
        r"\s*<!-- So that users can add custom icons -->\s*<script[^>]*fontawesome\.js[^>]*></script>", "", page
    )


def label_proofs(page: str) -> str:
    """Mark the first word of a proof, and take away the identifiers that all theorems of a page share."""
    page = re.sub(
        r'(<div class="proof admonition")(?: id="proof")?([^>]*>\s*<p>)Proof\.',
        r'\1\2<span class="proof-label">Proof.</span>',
        page,
    )
    return page.replace(' id="proof-content"', "")


def name_chapter(page: str) -> str:
    """Say "Chapter 1" above the title of a chapter instead of "1."."""
    return re.sub(r'(<h1><span class="section-number">)([\d.]+)\. </span>', r"\1Chapter \2</span> ", page)


REPAIRS: tuple[Callable[[str], str], ...] = (
    # the visible words of a button are its name
    lambda page: re.sub(
        r'(<button class="btn search-button-field[^>]*?) title="[^"]*" aria-label="[^"]*"', r"\1", page
    ),
    lambda page: page.replace(
        '<div id="pst-primary-sidebar"', '<div id="pst-primary-sidebar" role="region" aria-label="The course"', 1
    ),
    lambda page: page.replace('<summary aria-label="Toggle hidden content">', "<summary>"),
    lambda page: page.replace(' role="doc-biblioentry"', ' role="listitem"'),
    lambda page: re.sub(r'(<th[^>]*><p>)(<span class="math[^>]*>[^<]*</span></p></th>)', rf"\1{HIDDEN_COLUMN}\2", page),
    name_toggles,
    label_proofs,
    name_chapter,
    quiet_icons,
)
"""What the theme's HTML lacks for readers who listen to a page."""


def repair_pages(app: Sphinx, exception: Exception | None) -> None:
    """Sphinx `build-finished`: mend the pages that this build has written."""
    if exception or app.builder.format != "html":
        return
    for page in sorted(Path(app.outdir).rglob("*.html")):
        before = page.read_text("utf-8")
        if '<div id="pst-primary-sidebar" role=' in before:
            continue
        text = before
        for repair in REPAIRS:
            text = repair(text)
        if text != before:
            page.write_text(text, "utf-8")
    drop_icon_fonts(Path(app.outdir) / "_static")


def drop_icon_fonts(static: Path) -> None:
    """Take the theme's icon script and fonts out of the site, and their declarations out of its style."""
    for unused in static.glob("scripts/fontawesome.js*"):
        unused.unlink()
    shutil.rmtree(static / "vendor" / "fontawesome", ignore_errors=True)
    style = static / "styles" / "pydata-sphinx-theme.css"
    text = style.read_text("utf-8")
    lean = re.sub(r"@font-face\{[^}]*fontawesome[^}]*\}|\.fa-[\w-]+:before\{content:[^}]*\}", "", text)
    if lean != text:
        style.write_text(lean, "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_node(fold, html=(visit_fold, depart_fold))
    app.add_node(fold_title, html=(visit_fold_title, depart_fold_title))
    app.add_node(nodes.math_block, override=True, html=(visit_display, None))
    app.add_css_file("book.css", priority=900)
    app.add_js_file("book.js", defer="defer")
    app.connect("config-inited", configure)
    app.connect("doctree-resolved", fold_blocks, priority=900)
    app.connect("build-finished", repair_pages, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
