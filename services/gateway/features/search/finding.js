// Search while one types: the same answer as the page of the search, as a part of this page; the last answer wins.
import { givenUp } from "../../web/src/dom.js";

/** @param {HTMLFormElement} form */
export function findWhileTyping(form) {
  const field = /** @type {HTMLInputElement} */ (form.querySelector("input[type=search]"));
  const found = /** @type {HTMLElement} */ ((form.closest(".finder") ?? document).querySelector("[data-found]"));
  let timer, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const wanted = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    try {
      const answer = await fetch(`${form.dataset.search}?${wanted}`, { signal: running.signal });
      if (answer.ok && !answer.redirected) found.innerHTML = await answer.text();
      else found.replaceChildren(); // Enter opens the page of the search, which says why
    } catch (error) {
      if (!givenUp(error)) console.warn("the search was not answered", error);
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 200);
  });
  const walk = (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const links = [field, .../** @type {NodeListOf<HTMLElement>} */ (found.querySelectorAll("a"))];
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (at < 0 || !next) return;
    event.preventDefault();
    next.focus();
  };
  field.addEventListener("keydown", walk);
  found.addEventListener("keydown", walk);
}

// The key of search fields everywhere, unless somebody writes something.
/** @param {Document} root */
export function openByKey(root) {
  const finder = /** @type {HTMLDetailsElement | null} */ (root.querySelector("details.finder"));
  if (!finder) return;
  const field = () => /** @type {HTMLInputElement} */ (finder.querySelector("input[type=search]")).focus();
  finder.addEventListener("toggle", () => {
    if (finder.open) field();
  });
  root.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("input, textarea, select, [contenteditable]")) return;
    event.preventDefault();
    if (finder.open) field();
    finder.open = true;
  });
}
