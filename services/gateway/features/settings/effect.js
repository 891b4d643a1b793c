// What another number would do, asked of the server while it is typed; and from which day the button saves it.
import { fieldsOf, givenUp } from "../../web/src/dom.js";

/** @param {HTMLFormElement} form */
export function showEffect(form) {
  const here = /** @type {HTMLElement} */ (form.querySelector("[data-effect-here]"));
  const value = /** @type {HTMLInputElement} */ (form.querySelector("[name=value]"));
  const on = /** @type {HTMLInputElement} */ (form.querySelector("[name=on]"));
  const save = /** @type {HTMLElement} */ (form.querySelector("[data-from]"));
  const words = save.textContent ?? "";
  let timer, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const body = fieldsOf(form);
      const answer = await fetch(form.dataset.effect ?? "", {
        method: "POST",
        body,
        signal: running.signal,
        headers: { "X-Requested-With": "fetch" },
      });
      if (answer.ok && !answer.redirected) here.innerHTML = await answer.text();
    } catch (error) {
      if (!givenUp(error)) console.warn("no effect just now", error);
    }
  };
  value.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  });
  on.addEventListener("change", () => {
    const day = on.valueAsDate;
    if (!day) return;
    const [, month, date] = on.value.split("-");
    const english = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
    const shown = save.dataset.from === "vi" ? `${date}/${month}` : english.format(day);
    save.textContent = words.replace(save.dataset.day ?? "", shown);
  });
}
