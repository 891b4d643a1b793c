// A number is said back in full while it is typed, by the server, which reads it by the same rule when it is sent.
import { givenUp } from "./dom.js";

/** @param {Iterable<HTMLInputElement>} fields */
export function sayBack(fields) {
  for (const field of fields) {
    const place = /** @type {HTMLElement | null | undefined} */ (
      field.form?.querySelector(`[data-said-back="${CSS.escape(field.name)}"]`)
    );
    if (!place) continue;
    let timer, running;
    const ask = async () => {
      running?.abort();
      running = new AbortController();
      try {
        const answer = await fetch(`${place.dataset.number}?text=${encodeURIComponent(field.value)}`, {
          signal: running.signal,
        });
        if (answer.ok && !answer.redirected) place.textContent = await answer.text();
      } catch (error) {
        if (!givenUp(error)) console.warn("the number could not be said back", error);
      }
    };
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(ask, 200);
    });
  }
}
