/* Badges: the certificate of an equation opens on hover and on keyboard focus; a press or a tap opens it without a script.
   Previews: an equation, figure, theorem, exercise, citation, footnote or term shows itself where it is named, on hover,
   on keyboard focus and on tap. Esc closes. And boxes whose content is wider than they are can be scrolled by keyboard. */
(() => {
  "use strict";

  const LINKS = '.bd-article a[href*="#"]:not(.headerlink, .preview a)';
  const SHOWN = "div.math, figure, table, .proof, .exercise, div.citation, aside.footnote, dt";
  const WIDE = ".bd-article :is(.formula, pre, .pst-scrollable-table-container, span.math)";
  const DELAY = 150; // milliseconds before a preview opens, and before it closes when the pointer has left
  const pages = new Map();
  let open = null; // { link, box }
  let timer = 0;

  const typeset = async (box) => {
    await window.MathJax?.startup?.promise;
    await window.MathJax?.typesetPromise?.([box]);
  };

  function page(address) {
    if (address === location.href.split("#")[0]) return Promise.resolve(document);
    if (location.protocol === "file:") return Promise.resolve(null); // a browser reads no second file
    if (!pages.has(address)) {
      const parsed = fetch(address)
        .then((answer) => (answer.ok ? answer.text() : ""))
        .then((text) => new DOMParser().parseFromString(text, "text/html"));
      pages.set(address, parsed);
    }
    return pages.get(address);
  }

  function copy(target, address) {
    const content = document.createElement("div");
    content.className = "bd-article";
    content.append(document.importNode(target, true));
    if (target.matches("dt") && target.nextElementSibling?.matches("dd")) {
      content.append(document.importNode(target.nextElementSibling, true));
    }
    for (const part of content.querySelectorAll("*")) {
      part.removeAttribute("id");
      for (const name of ["href", "src"]) {
        if (part.hasAttribute(name)) part.setAttribute(name, new URL(part.getAttribute(name), address).href);
      }
      if (part.matches("a")) part.tabIndex = -1;
    }
    return content;
  }

  function place(box, link) {
    const anchor = link.getBoundingClientRect();
    const frame = box.offsetParent.getBoundingClientRect();
    const below = anchor.bottom + 8;
    const top = below + box.offsetHeight < innerHeight || anchor.top < innerHeight / 2 ? below : anchor.top - box.offsetHeight - 8;
    const left = Math.max(16, Math.min(anchor.left, document.documentElement.clientWidth - box.offsetWidth - 16));
    box.style.top = `${top - frame.top}px`;
    box.style.left = `${left - frame.left}px`;
  }

  function close() {
    clearTimeout(timer);
    if (!open) return;
    open.box.remove();
    open.link.removeAttribute("aria-describedby");
    open = null;
  }

  async function show(link) {
    if (open?.link === link) return;
    close();
    const [address, hash] = link.href.split("#");
    const box = document.createElement("div");
    open = { link, box };
    const source = await page(address).catch(() => null);
    const target = source?.getElementById(decodeURIComponent(hash));
    if (open?.box !== box) return;
    if (!target?.matches(SHOWN)) return void (open = null);
    box.className = "preview";
    box.id = "preview";
    box.setAttribute("role", "tooltip");
    box.append(copy(target, address));
    box.addEventListener("pointerenter", () => clearTimeout(timer));
    box.addEventListener("pointerleave", later(close));
    link.removeAttribute("title");
    document.querySelector("main").append(box);
    if (source !== document) await typeset(box);
    if (open?.box !== box) return;
    place(box, link);
    link.setAttribute("aria-describedby", box.id);
  }

  const later = (action) => () => {
    clearTimeout(timer);
    timer = setTimeout(action, DELAY);
  };

  function watch(link) {
    link.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && later(() => show(link))());
    link.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && later(close)());
    link.addEventListener("focus", () => link.matches(":focus-visible") && show(link));
    link.addEventListener("blur", close);
    link.addEventListener("click", (event) => {
      if (event.pointerType !== "touch" || open?.link === link) return;
      event.preventDefault(); // the first tap shows, the second goes there
      show(link).then(() => open || location.assign(link.href));
    });
  }

  function certificate(badge) {
    const summary = badge.querySelector("summary");
    let wait = 0;
    let pinned = false; // opened by a press: it stays when the pointer leaves
    const set = (state) => {
      clearTimeout(wait);
      badge.open = state;
      if (!state) pinned = false;
    };
    badge.addEventListener("pointerenter", (event) => {
      clearTimeout(wait);
      if (event.pointerType === "mouse") wait = setTimeout(() => set(true), DELAY);
    });
    badge.addEventListener("pointerleave", (event) => {
      clearTimeout(wait);
      if (event.pointerType === "mouse" && !pinned) wait = setTimeout(() => set(false), DELAY);
    });
    badge.addEventListener("focusin", () => summary.matches(":focus-visible") && set(true));
    badge.addEventListener("focusout", (event) => badge.contains(event.relatedTarget) || (event.relatedTarget && set(false)));
    summary.addEventListener("click", (event) => {
      if (!badge.open || pinned || event.detail === 0) return void (pinned = !badge.open);
      event.preventDefault(); // it opened under the pointer: the press keeps it open
      pinned = true;
    });
    addEventListener("keydown", (event) => event.key === "Escape" && set(false));
    addEventListener("pointerdown", (event) => badge.contains(event.target) || set(false));
  }

  /** Open what folds around the target of the address. */
  function unfold() {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let closed = null;
    for (let fold = target?.closest?.("details"); fold; fold = fold.parentElement.closest("details")) {
      if (!fold.open) closed = fold;
      fold.open = true;
    }
    if (closed) target.scrollIntoView();
  }

  function letScroll() {
    for (const box of document.querySelectorAll(WIDE)) {
      const line = box.matches("span.math") ? box.closest("p, li, dd, td, th, figcaption, h1, h2, h3") : null;
      const wide = line
        ? box.firstElementChild?.getBoundingClientRect().width > line.clientWidth
        : box.scrollWidth > box.clientWidth;
      box.classList.toggle("wide", wide);
      if (wide) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }

  addEventListener("DOMContentLoaded", () => document.querySelectorAll(LINKS).forEach(watch));
  addEventListener("DOMContentLoaded", () => document.querySelectorAll(".equation-badge").forEach(certificate));
  addEventListener("hashchange", unfold);
  addEventListener("keydown", (event) => event.key === "Escape" && close());
  addEventListener("pointerdown", (event) => !event.target.closest?.(".preview, a") && close());
  addEventListener("load", async () => {
    await window.MathJax?.startup?.promise;
    letScroll();
    unfold();
    let wait = 0;
    addEventListener("resize", () => {
      clearTimeout(wait);
      wait = setTimeout(letScroll, DELAY);
    });
    document.addEventListener("toggle", letScroll, true);
  });
})();
