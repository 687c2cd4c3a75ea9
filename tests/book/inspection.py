"""What is looked for on a page that a browser has opened: `inspect` returns the faults, one line each."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

WIDTHS = (1440, 768, 390)
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

READY = """async () => {
  await window.MathJax?.startup?.promise;
  for (const image of document.images) image.loading = "eager";
  const seen = [...document.images].filter((one) => one.checkVisibility());
  await Promise.all(seen.map((one) => one.decode().catch(() => 0)));
  await document.fonts.ready;
}"""
FORMULAS = """() => ({
  written: document.querySelectorAll(".bd-article .math").length,
  drawn: document.querySelectorAll(".bd-article .math mjx-container").length,
  wrong: [...document.querySelectorAll("mjx-merror, [data-mjx-error]")].map(
    (one) => one.dataset.mjxError || one.title || one.textContent),
})"""
IMAGES = """() => [...document.images].filter((one) => one.checkVisibility()).map((one) => ({
  source: one.getAttribute("src"), alt: one.alt, loaded: one.naturalWidth > 0, classes: one.className,
}))"""
HOLLOW = """() => {
  const formulas = [...document.querySelectorAll("mjx-container")];
  const sizes = formulas.map((one) => [one.scrollWidth, one.getBoundingClientRect().height]);
  formulas.forEach((one, i) => {
    const box = document.createElement("span");
    box.style.cssText = `display: inline-block; width: ${sizes[i][0]}px; height: ${sizes[i][1]}px`;
    one.replaceChildren(box);
  });
}"""
THIN = """() => {
  const seen = new Set();
  for (const one of document.querySelectorAll(".bd-article *")) {
    if (one.childElementCount) continue;
    let path = "";
    for (let up = one; up; up = up.parentElement) path += `${up.tagName} ${up.className} ${up.style.cssText} `;
    seen.has(path) ? one.remove() : seen.add(path);
  }
}"""
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """The test's output is not a server's log."""


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine alone and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def watch(context: BrowserContext, home: str) -> list[str]:
    """Keep what goes wrong in any page of a context, and let no request leave the site."""
    faults: list[str] = []

    def abroad(url: str) -> bool:
        return not url.startswith((home, "data:", "blob:"))

    def refuse(route) -> None:
        faults.append(f"asks for {route.request.url}, which is not on the site")
        route.abort()

    context.route(abroad, refuse)
    context.on("console", lambda m: m.type in ("error", "warning") and faults.append(f"console {m.type}: {m.text}"))
    context.on("weberror", lambda error: faults.append(f"script error: {error.error}"))
    context.on("requestfailed", lambda r: abroad(r.url) or faults.append(f"request failed: {r.url} ({r.failure})"))
    context.on("response", lambda r: r.status >= 400 and faults.append(f"status {r.status}: {r.url}"))
    return faults


def content_faults(page: Page, mode: str) -> list[str]:
    """Formulas that are not drawn, images that do not show, or show the wrong twin, or say nothing."""
    formulas, images = page.evaluate(FORMULAS), page.evaluate(IMAGES)
    other = "only-dark" if mode == "light" else "only-light"
    return [
        *(
            []
            if formulas["written"] == formulas["drawn"]
            else [f"{formulas['drawn']} of {formulas['written']} formulas drawn"]
        ),
        *(f"formula error: {text}" for text in formulas["wrong"]),
        *(f"image not loaded: {image['source']}" for image in images if not image["loaded"]),
        *(f"image without alt: {image['source']}" for image in images if not image["alt"].strip()),
        *(f"the {other} twin shows: {image['source']}" for image in images if other in image["classes"]),
    ]


def axe_faults(page: Page, **options: object) -> list[str]:
    """What axe-core finds, one line for each rule."""
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False, **options}).response["violations"]
    return [f"axe {one['id']}: {one['help']}: {[node['target'] for node in one['nodes'][:3]]}" for one in found]


def structure_faults(page: Page) -> list[str]:
    """What is wrong for who does not see the page."""
    return axe_faults(page, runOnly={"type": "tag", "values": AXE_TAGS}, rules={"color-contrast": {"enabled": False}})


def contrast_faults(page: Page) -> list[str]:
    """What is too pale; of the elements with the same styles all the way up, which look alike, one is left to see."""
    page.evaluate(THIN)
    return axe_faults(page, runOnly={"type": "rule", "values": ["color-contrast"]})


def inspect(page: Page, url: str, mode: str, screenshots: Path) -> list[str]:
    """Open a page at the widest size, look at it, then, in the light, make the window narrower and look again.

    Structure and a narrow layout are the same in the dark. Formulas are hollow when axe-core looks: MathJax writes them
    all in one way, and the test of an open certificate looks at a page with them.
    """
    faults: list[str] = []
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    page.goto(url, wait_until="load")
    page.evaluate(READY)
    faults += content_faults(page, mode)
    for width in WIDTHS if mode == "light" else WIDTHS[:1]:
        page.set_viewport_size({"width": width, "height": 900})
        name = url.split("/", 3)[3].removesuffix(".html").replace("/", "-")
        page.screenshot(path=screenshots / f"{name}-{mode}-{width}.jpg", full_page=True, quality=80)
        page.wait_for_timeout(160)  # longer than book.js waits before it looks for boxes that must scroll
        if (over := page.evaluate(OVERFLOW)) > 0:
            faults.append(f"{over} px too wide at {width} px")
    page.evaluate(HOLLOW)
    for width in (WIDTHS[-1], WIDTHS[0]) if mode == "light" else ():
        page.set_viewport_size({"width": width, "height": 900})
        faults += [f"{fault} at {width} px" for fault in structure_faults(page)]
    return faults + contrast_faults(page)
