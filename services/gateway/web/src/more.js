// "Show more" goes to the next page; with script that page's rows are put below those that are there.
import { all, hit, one } from "./dom.js";

/** @param {Document} root */
export function showMore(root) {
  root.addEventListener("click", async (event) => {
    const link = /** @type {HTMLAnchorElement | null} */ (hit(event, "a[data-more]"));
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const list = root.querySelector(`[data-list="${link.dataset.more}"]`);
    if (!list) return;
    event.preventDefault();
    link.setAttribute("aria-disabled", "true");
    try {
      const answer = await fetch(link.href);
      if (!answer.ok || answer.redirected) throw new Error(`answered ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const rows = all(page, `[data-list="${link.dataset.more}"] > *`);
      list.append(...rows);
      const next = /** @type {HTMLAnchorElement | null} */ (one(page, `a[data-more="${link.dataset.more}"]`));
      if (next) link.href = next.href;
      else link.parentElement?.remove();
      link.removeAttribute("aria-disabled");
      const first = rows[0];
      if (first) {
        first.tabIndex = -1;
        first.focus({ preventScroll: true });
      }
    } catch {
      location.href = link.href;
    }
  });
}
