// A KPI while it is written: what is asked about it, its scale and its owner's weights, asked of the server. Without this the form works as it is.
import { all, fieldsOf, givenUp, hit, one } from "../../web/src/dom.js";

const form = /** @type {HTMLFormElement | null} */ (document.querySelector("form[data-look]"));
if (form) {
  let timer, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(form.dataset.look ?? "", {
        method: "POST",
        body: fieldsOf(form),
        signal: running.signal,
        headers: { "X-Requested-With": "fetch" },
      });
      if (!answer.ok || answer.redirected) return;
      const said = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of all(said, "[data-part]")) {
        const place = one(document, `[data-part="${CSS.escape(part.dataset.part ?? "")}"]`);
        if (place && place.innerHTML !== part.innerHTML) place.innerHTML = part.innerHTML;
      }
    } catch (error) {
      if (!givenUp(error)) console.warn("nothing is asked just now", error);
    }
  };
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 400);
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
  document.addEventListener("click", (event) => {
    const button = /** @type {HTMLButtonElement | null} */ (hit(event, 'button[name="fix"]'));
    if (!button) return;
    const at = button.value.indexOf(":");
    const field = form.elements.namedItem(button.value.slice(0, at));
    if (!(field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement)) return;
    event.preventDefault();
    field.value = button.value.slice(at + 1);
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
