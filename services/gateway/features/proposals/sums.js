// Does it add up? Asked of the server while a proposal is written; the last answer wins.
import { fieldsOf, givenUp } from "../../web/src/dom.js";

/** @param {HTMLFormElement} form */
export function previewSums(form) {
  const sums = /** @type {HTMLElement} */ (form.querySelector("[data-sums]"));
  let timer, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const body = fieldsOf(form);
    try {
      const answer = await fetch(form.dataset.preview ?? "", {
        method: "POST",
        body,
        signal: running.signal,
        headers: { "X-Requested-With": "fetch" },
      });
      if (answer.ok && !answer.redirected) sums.innerHTML = await answer.text();
    } catch (error) {
      if (!givenUp(error)) console.warn("the sums could not be worked out", error);
    }
  };
  const changed = (event) => {
    if (/^(title|reason|reason_class|another)$/.test(event.target.name ?? "")) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
}
