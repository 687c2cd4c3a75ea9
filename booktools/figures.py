"""Figures of the site: alternative text that says something, and a dark twin for every drawing.

`mlpc.plots.show` leaves one SVG per figure, its alternative text inside. When a page is read, this extension moves that
text to the image, checks it, and puts beside the drawing its twin for dark pages, made by exchanging colours. Both come
with their size, so that nothing jumps while they load, and only the twin that is seen is fetched.
"""

import html
import posixpath
import re
import urllib.parse
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from mlpc import plots

LOGGER = logging.getLogger(__name__)
DESCRIPTION = re.compile(r"<dc:description>(.*?)</dc:description>", re.DOTALL)
GROUND = re.compile(rf'\s*<g id="{plots.GROUND}">.*?</g>', re.DOTALL)
SIZE = re.compile(r'<svg[^>]*?\bwidth="([\d.]+)pt"[^>]*?\bheight="([\d.]+)pt"', re.DOTALL)
PIXELS_PER_POINT = 4 / 3


class drawing(nodes.image):
    """An SVG made by `mlpc.plots`, with `alt`, `width` and `height` (CSS pixels): one of a light and dark pair."""


def describe(svg: str) -> str:
    """Return the alternative text inside an SVG, or "" where there is none.

    >>> describe("<svg><dc:description>n &lt; 3</dc:description></svg>")
    'n < 3'
    """
    found = DESCRIPTION.search(svg)
    return html.unescape(found.group(1)).strip() if found else ""


def take_ground(svg: str) -> str:
    """Take away the white rectangle that a notebook needs, so that the page shows through.

    >>> take_ground('<svg><g id="ground"><path d="M 0 0"/></g><g id="axes_1"/></svg>')
    '<svg><g id="axes_1"/></svg>'
    """
    return GROUND.sub("", svg, count=1)


def darken(svg: str) -> str:
    """Exchange each colour of the light palette for the dark one with the same meaning.

    >>> darken('<path style="stroke: #0072b2"/>')
    '<path style="stroke: #56b4e9"/>'
    """
    twin = {plots.COLORS[meaning]: plots.DARK[meaning] for meaning in plots.COLORS}
    return re.sub("|".join(twin), lambda found: twin[found.group().lower()], svg, flags=re.IGNORECASE)


def fault(alt: str, uri: str, caption: str) -> str:
    """Say what is wrong with an alternative text, or "" if nothing is.

    >>> fault("figure.svg", "figure.svg", "")
    'is only its path'
    >>> fault("Seconds against n: the update's line has slope 2.1, the new factorisation's 2.9.", "figure.svg", "")
    ''
    """
    if not alt:
        return "is missing"
    if alt in {uri, posixpath.basename(uri)}:
        return "is only its path"
    if alt.rstrip(".") == caption.rstrip("."):
        return "repeats the caption"
    if len(alt) not in plots.ALT_LENGTH:
        return f"has {len(alt)} characters"
    return ""


def pair(image: nodes.image, path: Path, svg: str) -> nodes.container:
    """Write the light and the dark SVG beside the original and return the node that holds both."""
    width, height = (round(float(points) * PIXELS_PER_POINT) for points in SIZE.findall(svg)[0])
    twins = nodes.container(classes=["drawings"])
    for theme, text in (("light", take_ground(svg)), ("dark", darken(take_ground(svg)))):
        twin = path.with_name(f"{path.stem}.{theme}.svg")
        if not twin.exists() or twin.read_text("utf-8") != text:
            twin.write_text(text, "utf-8")
        node = drawing(uri=posixpath.join(posixpath.dirname(image["uri"]), twin.name), alt=describe(svg))
        node.update_basic_atts({"classes": [*image["classes"], f"only-{theme}"]})
        node["width"], node["height"] = width, height
        twins += node
    return twins


def read_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Pair the drawings of a page that has just been read, and report images whose alternative text says nothing."""
    for image in list(doctree.findall(nodes.image)):
        uri = image["uri"]
        path = Path(app.env.relfn2path(uri)[1]) if "://" not in uri else Path(uri)
        svg = path.read_text("utf-8") if path.suffix == ".svg" and path.exists() else ""
        if describe(svg) and SIZE.search(svg):
            image["alt"] = describe(svg)
        parent = image.parent
        caption = next((child.astext() for child in parent.children if isinstance(child, nodes.caption)), "")
        wrong = fault(image.get("alt", ""), uri, caption)
        if wrong:
            wanted = f"say in {plots.ALT_LENGTH[0]} to {plots.ALT_LENGTH[-1]} characters what is to be seen"
            text = "the alternative text of an image %s; %s: plots.show(fig, alt=...)"
            LOGGER.warning(text, wrong, wanted, location=image, type="figures", subtype="alt")
        elif describe(svg) and SIZE.search(svg):
            parent.replace(image, pair(image, path, svg))


def visit_drawing(translator, node: drawing) -> None:
    uri = translator.builder.images.get(node["uri"], node["uri"])
    attributes = {
        "src": posixpath.join(translator.builder.imgpath, urllib.parse.quote(uri)),
        "alt": node["alt"],
        "width": node["width"],
        "height": node["height"],
        "loading": "lazy",
        "decoding": "async",
    }
    translator.body.append(translator.emptytag(node, "img", "\n", **attributes))


def depart_drawing(translator, node: drawing) -> None:
    """Nothing is left open."""


def setup(app: Sphinx) -> dict:
    app.add_node(drawing, html=(visit_drawing, depart_drawing))
    app.connect("doctree-read", read_figures, priority=400)  # before Sphinx collects the images to copy
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
