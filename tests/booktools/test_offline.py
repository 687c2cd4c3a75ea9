"""booktools.offline: what a page may load, and that MathJax comes with the site."""

from types import SimpleNamespace

import pytest
from sphinx.util import logging

from booktools import offline


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://example.org/a.js"></script>',
        '<script async defer src="//example.org/a.js"></script>',
        '<link rel="stylesheet" href="https://example.org/a.css">',
        '<link rel="preload" as="font" href="http://example.org/a.woff2">',
        '<img alt="a" src="https://example.org/a.png">',
        '<iframe title="a" src="https://example.org/"></iframe>',
    ],
)
def test_what_a_browser_would_fetch_from_elsewhere_is_found(html):
    assert len(offline.loads_from_elsewhere(f"<p>before</p>{html}<p>after</p>")) == 1


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://example.org">a link is followed, not loaded</a>',
        '<script src="../_static/book.js"></script>',
        '<img alt="inline" src="data:image/png;base64,AAAA">',
        '<link rel="canonical" href="https://example.org/book/">',
    ],
)
def test_what_stays_on_the_site_is_not_found(html):
    assert offline.loads_from_elsewhere(html) == []


def app(outdir):
    return SimpleNamespace(outdir=outdir, builder=SimpleNamespace(format="html"))


def test_mathjax_and_its_fonts_come_with_the_site(tmp_path):
    offline.finish(app(tmp_path), None)
    home = tmp_path / "_static" / offline.MATHJAX_HOME
    assert (home / "tex-chtml.js").stat().st_size > 1e6
    assert len(list((home / "output/chtml/fonts/woff-v2").glob("*.woff"))) > 20
    assert not (home / "tex-svg.js").exists()


def test_a_page_that_loads_something_from_elsewhere_is_a_warning(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(offline.LOGGER, "warning", lambda text, *parts, **_: said.append(text % parts))
    (tmp_path / "page.html").write_text('<script src="https://example.org/a.js"></script>')
    offline.finish(app(tmp_path), None)
    assert said == ["page.html loads https://example.org/a.js; serve it from the site or leave it out"]


def test_a_failed_build_is_left_alone(tmp_path):
    offline.finish(app(tmp_path), RuntimeError("the build failed"))
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_book_are_kept_beside_mathjax_own():
    config = SimpleNamespace(
        mathjax3_config={"tex": {"macros": {"R": r"\mathbb{R}"}}, "options": {"a": 1}}, mathjax_path=""
    )
    offline.configure(SimpleNamespace(), config)
    assert config.mathjax3_config["tex"]["macros"] == {"R": r"\mathbb{R}"}
    assert config.mathjax3_config["options"] == {"a": 1, "enableMenu": False}
    assert "://" not in config.mathjax_path


def test_a_silenced_extension_registers_nothing():
    def handler():
        pass

    handler.__module__ = "sphinx_thebe"
    loud, quiet = SimpleNamespace(handler=handler), SimpleNamespace(handler=test_a_failed_build_is_left_alone)
    events = SimpleNamespace(listeners={"builder-inited": [loud, quiet]})
    registry = SimpleNamespace(css_files=[("sphinx-thebe.css", {}), ("book.css", {})])
    offline.silence(SimpleNamespace(events=events, registry=registry))
    assert events.listeners == {"builder-inited": [quiet]}
    assert registry.css_files == [("book.css", {})]


def test_a_page_without_panels_does_not_load_their_style():
    files = [SimpleNamespace(filename="_static/sphinx-design.min.css"), SimpleNamespace(filename="_static/book.css")]
    for body, kept in (("<p>text</p>", 1), ('<div class="sd-card">panel</div>', 2)):
        context = {"body": body, "css_files": list(files), "script_files": []}
        offline.drop_unused(None, "page", "page.html", context, None)
        assert len(context["css_files"]) == kept


def test_the_logger_is_sphinx_own_so_that_its_warnings_count():
    assert isinstance(offline.LOGGER, logging.SphinxLoggerAdapter)
