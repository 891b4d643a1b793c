// What is typed into a form is kept by the server while somebody thinks: after a pause, and when a field is left. Whatever fails, the form is
// sent as it is. What two windows write is not mixed: the server says when another one was faster, and this one keeps what is typed in it.
import { fieldsOf, one } from "./dom.js";

const PAUSE = 1500;

/** @param {HTMLFormElement} form */
export function keepTyped(form) {
  const said = one(form, "[data-kept]");
  const revision = /** @type {HTMLInputElement} */ (one(form, "input[name=revision]"));
  let timer;
  let changed = false;
  let stopped = false;
  /** @type {Promise<void> | null} */
  let running = null;
  const keep = async () => {
    changed = false;
    try {
      const answer = await fetch(form.dataset.keep ?? "", {
        method: "POST",
        body: fieldsOf(form),
        headers: { "X-Requested-With": "fetch" },
      });
      if (answer.redirected || !answer.headers.get("content-type")?.startsWith("application/json")) {
        changed = true;
        return;
      }
      const kept = await answer.json();
      if (said) said.textContent = kept.said;
      if (answer.ok) {
        // What is confirmed on a page is what its reader has seen, and that is what they wrote themselves as well.
        const seen = document.querySelector("input[data-seen]");
        if (seen instanceof HTMLInputElement && kept.written) seen.value = `${Number(seen.value) + 1}`;
        revision.value = kept.revision;
      } else stopped = true;
    } catch (error) {
      changed = true;
      console.warn("not kept just now", error);
    }
  };
  const start = () => {
    clearTimeout(timer);
    if (!changed || running || stopped) return;
    running = keep().finally(() => {
      running = null;
    });
  };
  form.addEventListener("input", () => {
    changed = true;
    clearTimeout(timer);
    timer = setTimeout(start, PAUSE);
  });
  form.addEventListener("change", start);
  form.addEventListener("submit", (event) => {
    clearTimeout(timer);
    if (!running) {
      changed = false;
      return;
    }
    event.preventDefault(); // it would be sent with the revision of before
    const by = event.submitter;
    running.then(() => form.requestSubmit(by));
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed || running) event.preventDefault();
  });
}
