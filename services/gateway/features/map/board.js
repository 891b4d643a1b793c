// The goal map: drawn from the server's tree, with the same elements; folding, searching, moving and zooming it.

import { all, hit } from "../../web/src/dom.js";
import { plain } from "../../web/src/text.js";
import { walkTree } from "./keys.js";
import { kindOf, layOut, WIDTHS } from "./layout.js";
import { drawnAsSvg, keepPng, keepSvg } from "./picture.js";

const SVG = "http://www.w3.org/2000/svg";
const PHONE = window.matchMedia("(max-width: 719.98px)");
const PAPER = { width: 1040, height: 640 }; // A4 across, without its margins and the head
const EDGE = 8; // room around the drawing, for focus rings
const SMALLEST = 0.5,
  LARGEST = 1.5,
  NAMES_ONLY = 0.7,
  SMALLER = 0.72;

export function drawBoard(board) {
  const tree = board.querySelector("[role=tree]");
  const viewport = board.querySelector(".viewport");
  const stage = board.querySelector(".stage");
  const edges = board.querySelector(".edges");
  const heads = [...board.querySelectorAll(".columns [data-of]")];
  const zoomBar = /** @type {HTMLElement} */ (document.querySelector(".zoom"));
  const zoomButton = (way) => /** @type {HTMLButtonElement} */ (zoomBar.querySelector(`[data-zoom=${way}]`));
  let zoom = 1,
    chosenZoom = false;

  const shown = () => [...tree.querySelectorAll(".node")].filter((node) => !node.parentElement.closest("[hidden]"));
  const isMap = () => (board.dataset.view === "auto" ? !PHONE.matches : board.dataset.view === "map");

  function draw() {
    const map = isMap();
    board.classList.toggle("as-map", map);
    board.classList.toggle("as-tree", !map);
    document.documentElement.classList.toggle("map-shown", map);
    for (const link of all(document, "[data-view]:not([data-board])"))
      link.toggleAttribute("aria-current", (link.dataset.view === "map") === map);
    for (const link of document.querySelectorAll("a[data-view][aria-current]"))
      link.setAttribute("aria-current", "true");
    zoomBar.hidden = !map;
    if (!map) {
      stage.style.cssText = viewport.style.cssText = "";
      for (const node of tree.querySelectorAll(".node")) node.firstElementChild.style.cssText = "";
      edges.replaceChildren();
      board.classList.remove("ready");
      return;
    }
    const elements = shown();
    for (const node of elements) node.firstElementChild.style.width = `${WIDTHS[kindOf(node)]}px`;
    const nodes = elements.map((element) => ({
      element,
      kind: kindOf(element),
      height: element.firstElementChild.offsetHeight,
      parent: element.parentElement.closest(".node"),
      parents: element.dataset.parents.split(" ").filter(Boolean),
    }));
    const { places, lefts, width, height } = layOut(nodes, viewport.clientWidth - EDGE);
    if (!chosenZoom) {
      zoom = Math.max(SMALLEST, Math.min(1, (viewport.clientWidth - EDGE) / width));
      // A map that is folded is a large company's: its first screen shall show the strategy, which stands in the middle of what serves it.
      const room = window.innerHeight - (viewport.getBoundingClientRect().top + window.scrollY);
      if ("folded" in board.dataset) zoom = Math.max(Math.min(zoom, SMALLER), Math.min(zoom, room / height));
    }
    for (const [element, place] of places) {
      element.firstElementChild.style.transform = `translate(${place.x}px, ${place.y}px)`;
      if (place.indent) element.firstElementChild.style.width = `${WIDTHS[kindOf(element)] - place.indent}px`;
    }
    drawEdges(nodes, places);
    edges.setAttribute("width", width);
    edges.setAttribute("height", height);
    stage.style.width = `${width}px`;
    stage.style.height = `${height}px`;
    for (const head of heads) {
      const column = ["goal", "csf", "company", "department", "individual"].indexOf(head.dataset.of);
      head.style.left = `${lefts[column] * zoom}px`;
      head.style.width = `${WIDTHS[head.dataset.of] * zoom}px`;
    }
    scale(height);
    board.classList.add("ready");
  }

  function scale(height = stage.offsetHeight) {
    stage.style.transform = `scale(${zoom})`;
    viewport.style.height = `${Math.ceil(height * zoom) + 12}px`;
    board.classList.toggle("far", zoom < NAMES_ONLY);
    zoomButton("in").disabled = zoom >= LARGEST;
    zoomButton("out").disabled = zoom <= SMALLEST;
  }

  function drawEdges(nodes, places) {
    const lines = [];
    for (const node of nodes) {
      const to = places.get(node.element);
      for (const id of node.parents) {
        const parent = document.getElementById(id);
        const from = parent && places.get(parent);
        if (!from) continue;
        const x1 = from.x + WIDTHS[kindOf(parent)],
          y1 = from.y + from.height / 2;
        const x2 = to.x,
          y2 = to.y + to.height / 2,
          bend = Math.min(60, Math.max(24, (x2 - x1) / 2));
        const path = to.indent
          ? `M${from.x + 8} ${from.y + from.height}V${y2}H${x2}`
          : `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
        const dim = !node.element.classList.contains("mine") || !parent.classList.contains("mine");
        const { co, helps } = node.element.dataset;
        for (const kind of co !== undefined ? ["co", "co-inner"] : [helps !== undefined ? "helps" : ""]) {
          const line = document.createElementNS(SVG, "path");
          line.setAttribute("d", path);
          line.setAttribute("class", `edge ${kind} ${dim ? "other" : ""}`);
          lines.push(line);
        }
      }
      for (const link of (node.element.dataset.further ?? "").split(",").filter(Boolean))
        lines.push(...further(node, link, places));
    }
    edges.replaceChildren(...lines);
  }

  // What else a card supports or hinders: beside the tree, around the columns between.
  function further(node, link, places) {
    const [effect, id] = link.split(" ");
    const other = document.getElementById(id);
    const from = other && places.get(other),
      to = places.get(node.element);
    if (!from) return [];
    const y1 = from.y + from.height / 2,
      y2 = to.y + to.height / 2;
    const same = Math.abs(from.x - to.x) < 1;
    const x1 = from.x < to.x ? from.x + WIDTHS[kindOf(other)] : from.x,
      x2 = from.x < to.x || same ? to.x : to.x + WIDTHS[kindOf(node.element)];
    const bend = same ? -40 : (x2 - x1) / 2;
    const line = document.createElementNS(SVG, "path");
    line.setAttribute("d", `M${x1} ${y1}C${x1 + bend} ${y1} ${same ? x2 + bend : x2 - bend} ${y2} ${x2} ${y2}`);
    const dim = !node.element.classList.contains("mine") && !other.classList.contains("mine");
    line.setAttribute("class", `edge ${effect} ${dim ? "other" : ""}`);
    return [line];
  }

  const remember = (change) => {
    const url = new URL(location.href);
    change(url.searchParams);
    for (const [name, value] of [...url.searchParams]) if (!value) url.searchParams.delete(name);
    history.replaceState(null, "", url);
    for (const link of /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll(".languages a"))) {
      const target = new URL(link.href);
      const [page] = (target.searchParams.get("next") ?? "").split("?");
      target.searchParams.set("next", page + url.search);
      link.href = target.href;
    }
  };
  const listed = (params, name) => new Set((params.get(name) ?? "").split(",").filter(Boolean));

  async function toggle(node, wanted) {
    const opened = node.getAttribute("aria-expanded") === "true";
    if (wanted === opened || !node.hasAttribute("aria-expanded")) return;
    if (!opened && node.dataset.branch) {
      const answer = await fetch(node.dataset.branch);
      if (!answer.ok) return void location.assign(node.querySelector(":scope > .card .fold").href);
      node.append(listIn(await answer.text()));
      delete node.dataset.branch;
      enhance(node);
    }
    const before = node.firstElementChild.getBoundingClientRect();
    node.setAttribute("aria-expanded", String(!opened));
    const group = node.querySelector(":scope > ul");
    if (group) group.hidden = opened;
    remember((params) => {
      const open = listed(params, "open"),
        closed = listed(params, "closed");
      (opened ? closed : open).add(node.id);
      (opened ? open : closed).delete(node.id);
      params.set("open", [...open].sort().join(","));
      params.set("closed", [...closed].sort().join(","));
    });
    draw();
    // What was opened stays where the eye is.
    const after = node.firstElementChild.getBoundingClientRect();
    window.scrollBy(0, after.top - before.top);
    viewport.scrollLeft += after.left - before.left;
  }

  const listIn = (html) => {
    const piece = document.createElement("template");
    piece.innerHTML = html;
    return /** @type {HTMLUListElement} */ (piece.content.querySelector("ul"));
  };

  // The next page of a branch that is too long for one.
  async function showMore(button) {
    const answer = await fetch(button.dataset.more);
    if (!answer.ok) return;
    const item = button.closest("li"),
      group = item.parentElement,
      first = listIn(await answer.text());
    const shown = first.firstElementChild;
    item.replaceWith(...first.children);
    enhance(group);
    draw();
    if (shown) focus(shown);
  }

  async function reveal(node) {
    for (let above = node.parentElement.closest(".node"); above; above = above.parentElement.closest(".node"))
      await toggle(above, true);
    focus(node);
  }

  function focus(node) {
    for (const other of tree.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    node.tabIndex = 0;
    node.focus({ preventScroll: true });
    node.firstElementChild.scrollIntoView({
      block: "center",
      inline: "center",
      behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
    });
  }

  // One tab stop: the tree's items take the focus, what is in them is reached by Enter and the arrows.
  function enhance(root) {
    for (const node of root.querySelectorAll("[role=treeitem]")) node.tabIndex = -1;
    for (const inner of root.querySelectorAll("[role=treeitem] a")) inner.tabIndex = -1;
  }

  tree.addEventListener("click", (event) => {
    const more = hit(event, "[data-more]");
    if (more) return void showMore(more);
    const fold = hit(event, ".fold");
    if (!fold || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    toggle(fold.closest(".node"));
  });
  walkTree(tree, {
    shown,
    toggle,
    focus,
    open: (node) => node.querySelector(":scope > .card a.name")?.click(),
  });

  for (const link of all(document, "a[data-view]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      board.dataset.view = link.dataset.view;
      remember((params) => params.set("view", link.dataset.view));
      draw();
    });
  }
  const mine = document.querySelector("[data-mine]");
  mine?.addEventListener("click", (event) => {
    event.preventDefault();
    const on = board.toggleAttribute("data-only-mine");
    if (on) mine.setAttribute("aria-current", "true");
    else mine.removeAttribute("aria-current");
    remember((params) => params.set("mine", on ? "1" : ""));
  });
  document.addEventListener("click", (event) => {
    const jump = hit(event, "[data-jump]");
    const node = jump && document.getElementById(jump.dataset.jump ?? "");
    if (!node) return;
    event.preventDefault();
    jump.closest("details")?.removeAttribute("open");
    reveal(node);
  });

  search(board, reveal);

  zoomBar.addEventListener("click", (event) => {
    const button = hit(event, "[data-zoom]");
    if (!button) return;
    const room = window.innerHeight - 24;
    const fit = Math.min((viewport.clientWidth - EDGE) / stage.offsetWidth, room / stage.offsetHeight, 1);
    setZoom({ in: zoom + 0.1, out: zoom - 0.1, fit }[button.dataset.zoom]);
    if (button.dataset.zoom === "fit") viewport.scrollIntoView({ block: "start" });
  });
  function setZoom(wanted) {
    zoom = Math.round(Math.min(LARGEST, Math.max(SMALLEST, wanted)) * 100) / 100;
    chosenZoom = true;
    draw();
  }
  viewport.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey || !isMap()) return;
      event.preventDefault();
      setZoom(zoom - Math.sign(event.deltaY) * 0.1);
    },
    { passive: false },
  );

  const keep = /** @type {HTMLElement | null} */ (document.querySelector("[data-keep]"));
  if (keep) keep.hidden = false;
  document.addEventListener("click", async (event) => {
    const button = hit(event, "[data-picture]");
    if (!button) return;
    button.closest("details")?.removeAttribute("open");
    if (button.dataset.picture === "print") return void window.print();
    if (!isMap()) {
      board.dataset.view = "map";
      draw();
    }
    const svg = drawnAsSvg(stage, board.dataset.title);
    if (button.dataset.picture === "svg") keepSvg(svg, board.dataset.name);
    else await keepPng(svg, board.dataset.name);
  });
  // On paper the map is as wide as the sheet, and on one sheet where it can still be read.
  let before = zoom;
  window.addEventListener("beforeprint", () => {
    if (!isMap()) return;
    before = zoom;
    const wide = PAPER.width / stage.offsetWidth;
    zoom = Math.min(1, Math.max(Math.min(wide, PAPER.height / stage.offsetHeight), Math.min(wide, SMALLEST)));
    scale();
  });
  window.addEventListener("afterprint", () => {
    zoom = before;
    draw();
  });

  drag(viewport, () => isMap());
  enhance(board);
  const first = tree.querySelector("[role=treeitem]");
  if (first) first.tabIndex = 0;
  draw();
  document.fonts?.ready.then(draw);
  let width = viewport.clientWidth;
  new ResizeObserver(() => {
    if (Math.abs(viewport.clientWidth - width) < 1) return;
    width = viewport.clientWidth;
    draw();
  }).observe(viewport);
  PHONE.addEventListener("change", draw);
  const focused = board.dataset.focus && document.getElementById(board.dataset.focus);
  if (focused) reveal(focused);
}

// Dims what does not match while one types; Enter goes from one match to the next, Esc clears.
function search(board, reveal) {
  /** @type {HTMLInputElement | null} */
  const input = document.querySelector("main .search input[type=search]");
  if (!input) return;
  const live = /** @type {HTMLElement} */ (document.getElementById("live"));
  let at = -1;
  const matches = () => all(document, ".node.match");
  const mark = () => {
    const wanted = plain(input.value.trim());
    at = -1;
    for (const node of document.querySelectorAll(".node")) {
      const text = plain(
        `${node.getAttribute("aria-label") ?? ""} ${node.querySelector(":scope > .card")?.textContent}`,
      );
      node.classList.toggle("match", Boolean(wanted) && text.includes(wanted));
    }
    board.toggleAttribute("data-searching", Boolean(wanted));
    live.textContent = wanted ? String(matches().length) : "";
  };
  input.addEventListener("input", mark);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      input.value = "";
      mark();
    }
  });
  input.form?.addEventListener("submit", (event) => {
    const found = matches();
    if (!found.length || "folded" in board.dataset) return; // the server looks into what is folded away
    event.preventDefault();
    at = (at + 1) % found.length;
    if (found[at].closest("[role=tree]")) reveal(found[at]);
    else found[at].scrollIntoView({ block: "center" });
    input.focus({ preventScroll: true });
  });
  if (input.value) mark();
}

// Drag with the mouse to move; a click on a card stays a click.
function drag(viewport, when) {
  /** @type {{ x: number, y: number, left: number, top: number } | null} */
  let start = null;
  viewport.addEventListener("pointerdown", (event) => {
    if (!when() || event.pointerType !== "mouse" || event.button !== 0 || event.target.closest(".card")) return;
    start = { x: event.clientX, y: event.clientY, left: viewport.scrollLeft, top: window.scrollY };
    viewport.setPointerCapture(event.pointerId);
    viewport.classList.add("moving");
  });
  viewport.addEventListener("pointermove", (event) => {
    if (!start) return;
    viewport.scrollLeft = start.left - (event.clientX - start.x);
    window.scrollTo({ top: start.top - (event.clientY - start.y), behavior: "instant" });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    viewport.addEventListener(end, () => {
      start = null;
      viewport.classList.remove("moving");
    });
  }
}
