// What would make a praise better, asked of the server while it is written. It only advises: whatever fails, the form works as it is.
import { fieldsOf, givenUp, one } from "../../web/src/dom.js";

/** @param {HTMLFormElement} form */
export function hintAt(form) {
  const hints = /** @type {HTMLElement} */ (form.querySelector("[data-hints]"));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[data-send]"));
  const words = /** @type {HTMLElement} */ (button.querySelector("span"));
  let timer, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const body = fieldsOf(form);
      const answer = await fetch(form.dataset.check ?? "", {
        method: "POST",
        body,
        signal: running.signal,
        headers: { "X-Requested-With": "fetch" },
      });
      if (!answer.ok || answer.redirected) return;
      const text = await answer.text();
      if (hints.innerHTML.trim() === text.trim()) return;
      hints.innerHTML = text;
      const said = one(hints, ":scope > *")?.dataset;
      if (!said?.send) return;
      words.textContent = said.send;
      button.value = said.without ?? "";
    } catch (error) {
      if (!givenUp(error)) console.warn("no hints just now", error);
    }
  };
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
}
