"""The built site in a real browser, without a network: every page, light and dark, on three widths of window."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.book.inspection import READY, WIDTHS, contrast_faults, inspect, serve, structure_faults, watch
from tests.browser import ABSENT, found, started

ROOT = Path(__file__).resolve().parents[2]
OVERLAPS = """() => [...document.querySelectorAll("div.math:has(.equation-badge)")].filter((one) => {
  const parts = [".formula", ".eqno", "summary"].map((part) => one.querySelector(part).getBoundingClientRect());
  const [formula, number, badge] = parts;
  const edge = one.getBoundingClientRect().right + 1;
  return formula.right > badge.left || number.bottom > badge.top + 1 || badge.right > edge;
}).map((one) => one.id)"""
SITE = Path(os.environ.get("MLPC_SITE", ROOT / "_build" / "html"))
EQUATION = '.bd-article a.reference[href*="#equation-eq-"]'
CITATION = ".bd-article .bibtex-citation a.reference"
BADGE = "details.equation-badge"


@pytest.fixture(scope="session")
def site() -> Path:
    if not (SITE / "index.html").exists():
        pytest.fail(f"no site in {SITE}: run `make book` first", pytrace=False)
    return SITE


@pytest.fixture(scope="session")
def home(site: Path) -> Iterator[str]:
    with serve(site) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = found()
    if path is None:
        pytest.fail(ABSENT, pytrace=False) if os.environ.get("CI") else pytest.skip(ABSENT)
    with started(path) as chromium:
        yield chromium


@pytest.fixture(scope="session")
def screenshots() -> Path:
    folder = ROOT / "_build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pages(site: Path) -> list[str]:
    return sorted(
        path.relative_to(site).as_posix()
        for path in site.rglob("*.html")
        if path.relative_to(site).parts[0] not in ("_static", "_sources") and "<article" in path.read_text("utf-8")
    )


def different(names: list[str]) -> list[str]:
    """The pages without the sources of modules, which are all written in one way: the longest path stands for them."""
    sources = [name for name in names if name.startswith("_modules/mlpc/")]
    return [name for name in names if name not in sources or name == max(sources, key=len)]


def page_with(site: Path, *marks: str) -> str:
    """The first page that holds all the marks."""
    found = [name for name in pages(site) if all(mark in (site / name).read_text("utf-8") for mark in marks)]
    assert found, f"no page holds {marks}"
    return found[0]


@pytest.fixture
def page(browser: Browser, home: str):
    """A page on the site, in a window of its own; whatever goes wrong in it fails the test."""
    with browser.new_context(viewport={"width": 1440, "height": 900}) as context:
        faults = watch(context, home)
        yield context.new_page()
        assert not faults, "\n".join(["", *faults])


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_page_is_sound(browser: Browser, site: Path, home: str, screenshots: Path, mode: str) -> None:
    found = []
    with browser.new_context(color_scheme=mode, reduced_motion="reduce") as context:
        traffic = watch(context, home)
        page = context.new_page()
        for name in different(pages(site)):
            found += [f"{name}: {fault}" for fault in inspect(page, home + name, mode, screenshots) + traffic]
            traffic.clear()
    assert not found, "\n".join(["", *found])


PLANTED = {
    "a foreign script": ('<script src="https://example.invalid/a.js"></script>', "not on the site"),
    "a missing script": ('<script src="gone.js"></script>', "status 404"),
    "a script that complains": ('<script>console.warn("planted")</script>', "console warning"),
    "a script that breaks": ("<script>planted.fault()</script>", "script error"),
    "a wide box": ('<div style="width: 3000px">wide</div>', "px too wide at 390 px"),
    "a broken formula": (r'<span class="math">\(\frac{1}\)</span>', "formula error: Missing argument"),
    "an unknown macro": (r'<span class="math">\(\nosuchmacro\)</span>', r"formula error: Undefined control sequence"),
    "a formula left as text": ('<span class="math">x</span>', "formulas drawn"),
    "an image that is not there": ('<img src="gone.png" alt="a figure that is not there">', "image not loaded"),
    "an image that says nothing": ('<img src="_static/favicon.svg" alt="">', "image without alt"),
    "the wrong twin": (
        '<img style="display: block !important" class="only-dark" src="_static/favicon.svg" alt="a planted twin">',
        "only-dark twin shows",
    ),
    "pale print": ('<p style="color: #ccc; background: #fff">pale</p>', "axe color-contrast"),
    "a button without a name": ("<button></button>", "axe button-name"),
}


@pytest.fixture(scope="module")
def planted(browser: Browser, site: Path, tmp_path_factory) -> list[str]:
    """What is found on a copy of the front page into which every fault has been planted."""
    folder = tmp_path_factory.mktemp("planted")
    for needed in ("_static", "_images"):
        if (site / needed).exists():
            (folder / needed).symlink_to(site / needed)
    shutil.copy(site / "searchindex.js", folder)
    everything = "\n".join(html for html, _ in PLANTED.values())
    text = (site / "index.html").read_text("utf-8")
    (folder / "index.html").write_text(text.replace("</article>", f"{everything}</article>", 1), "utf-8")
    with serve(folder) as home, browser.new_context(color_scheme="light") as context:
        traffic = watch(context, home)
        return inspect(context.new_page(), home + "index.html", "light", folder) + traffic


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(planted: list[str], fault: str) -> None:
    assert any(PLANTED[fault][1] in one for one in planted), "\n".join(["", *planted])


def test_search_finds_a_term(page: Page, home: str) -> None:
    page.goto(home + "index.html")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog input").fill("inverse")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search.html?q=inverse*")
    expect(page.locator("#search-results li a").first).to_be_visible()
    assert "sherman_morrison" in page.locator("#search-results li a").first.get_attribute("href")


def test_a_solution_opens_in_place(page: Page, site: Path, home: str) -> None:
    page.goto(home + page_with(site, "<details", "solution"))
    solution = page.locator("details.solution").first
    content = solution.locator("> :not(summary)").first
    expect(content).to_be_hidden()
    solution.locator("summary").click()
    expect(content).to_be_visible()
    solution.locator("summary").press("Enter")
    expect(content).to_be_hidden()


@pytest.mark.parametrize(("link", "inside"), [(EQUATION, "mjx-container"), (CITATION, "div.citation")])
def test_a_link_previews_its_target(page: Page, site: Path, home: str, link: str, inside: str) -> None:
    page.goto(home + page_with(site, 'href="#equation-eq-', "bibtex-citation"))
    first = page.locator(link).locator("visible=true").first
    preview = page.get_by_role("tooltip")
    first.scroll_into_view_if_needed()
    first.hover()
    expect(preview.locator(inside)).to_be_visible()
    preview.hover()  # the pointer may go into the preview and stay there
    page.wait_for_timeout(400)
    expect(preview).to_be_visible()
    page.keyboard.press("Escape")
    expect(preview).to_have_count(0)
    page.mouse.move(0, 0)
    reach_by_keyboard(page, first)
    expect(preview.locator(inside)).to_be_visible()
    assert first.get_attribute("aria-describedby") == preview.get_attribute("id")
    page.keyboard.press("Escape")
    expect(preview).to_have_count(0)


def reach_by_keyboard(page: Page, target) -> None:
    """Put the focus just before the target, then move on with the tab key."""
    target.evaluate("one => { const stop = document.createElement('button'); one.before(stop); stop.focus(); }")
    page.keyboard.press("Tab")


def test_a_preview_from_another_page_is_typeset(page: Page, site: Path, home: str) -> None:
    name = page_with(site, 'href="#equation-eq-')
    address = (site / name).read_text("utf-8").split('href="#equation-eq-', 1)[1].split('"', 1)[0]
    page.goto(home + "index.html")
    page.evaluate(
        """href => {
          const link = document.createElement("a");
          link.href = href;
          link.textContent = "an equation elsewhere";
          document.querySelector(".bd-article h1").after(link);
          document.dispatchEvent(new Event("DOMContentLoaded", {bubbles: true}));
        }""",
        f"{name}#equation-eq-{address}",
    )
    page.get_by_text("an equation elsewhere").hover()
    expect(page.get_by_role("tooltip").locator("mjx-container")).to_be_visible()


def test_the_first_tap_shows_and_the_second_follows(browser: Browser, site: Path, home: str) -> None:
    with browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True) as context:
        page = context.new_page()
        page.goto(home + page_with(site, "bibtex-citation"))
        link = page.locator(CITATION).first
        link.tap()
        expect(page.get_by_role("tooltip")).to_be_visible()
        link.tap()
        page.wait_for_url("**/bibliography.html#*")


@pytest.fixture
def badge(page: Page, site: Path, home: str):
    """The badge of the first equation on the first page that has any, out of the pointer's reach."""
    page.goto(home + page_with(site, 'class="equation-badge'))
    page.evaluate(READY)
    first = page.locator(BADGE).first
    first.scroll_into_view_if_needed()
    page.mouse.move(0, 0)
    return first


def test_a_certificate_opens_under_the_pointer_and_a_press_keeps_it(page: Page, badge) -> None:
    certificate = badge.locator(".certificate")
    badge.locator("summary").hover()
    expect(certificate).to_be_visible()
    page.mouse.move(0, 0)
    expect(certificate).to_be_hidden()
    badge.locator("summary").hover()
    expect(certificate).to_be_visible()
    badge.locator("summary").click()
    page.mouse.move(0, 0)
    page.wait_for_timeout(400)
    expect(certificate).to_be_visible()
    page.keyboard.press("Escape")
    expect(certificate).to_be_hidden()


def test_a_certificate_opens_on_focus_and_closes_behind_it(page: Page, badge) -> None:
    reach_by_keyboard(page, badge)
    expect(badge.locator(".certificate")).to_be_visible()
    page.locator(".number > button").evaluate("stop => stop.remove()")
    assert not structure_faults(page) + contrast_faults(page)
    for _ in range(1 + badge.locator(".certificate a").count()):
        page.keyboard.press("Tab")
    expect(badge.locator(".certificate")).to_be_hidden()


def test_a_certificate_leads_to_its_open_entry_in_the_ledger(page: Page, badge) -> None:
    badge.locator("summary").click()
    badge.get_by_role("link", name="Entry in the ledger").click()
    page.wait_for_url("**/equations.html#certificate-eq-*")
    expect(page.locator(":target dl")).to_be_visible()


def test_a_certificate_fits_on_a_phone_and_opens_there_without_a_script(
    browser: Browser, site: Path, home: str
) -> None:
    settings = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "java_script_enabled": False}
    with browser.new_context(**settings) as context:
        page = context.new_page()
        page.goto(home + page_with(site, 'class="equation-badge'))
        for badge in page.locator(BADGE).all()[:5]:
            badge.locator("summary").tap()
            box = badge.locator(".certificate").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            badge.locator("summary").tap()
            expect(badge.locator(".certificate")).to_be_hidden()


def test_a_badge_is_printed_as_grade_and_scope(page: Page, badge) -> None:
    badge.locator("summary").click()
    page.emulate_media(media="print")
    expect(badge.locator(".grade")).to_be_visible()
    expect(badge.locator(".scope")).to_be_visible()
    expect(badge.locator(".certificate")).to_be_hidden()


def test_no_badge_covers_its_formula_or_its_number(page: Page, badge) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(OVERLAPS) == []
