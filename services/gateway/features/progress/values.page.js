// Values without the mouse: Enter goes down, "=" keeps, a column that is pasted fills downwards, Ctrl+Enter sends. What
// looks mistyped is asked about by the service, as it would be when sent.
import { fieldsOf, givenUp, one } from "../../web/src/dom.js";

/** @param {HTMLFormElement} form */
function typing(form) {
  const values = /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-value]")]);
  const rowOf = (field) => /** @type {HTMLElement} */ (field.closest("[data-row]"));
  const send = /** @type {HTMLButtonElement} */ (one(form, "[data-send]"));

  /** @param {HTMLInputElement} field */
  function put(field, text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {HTMLInputElement} field */
  function keep(field) {
    if (field.dataset.last) put(field, field.dataset.last);
  }

  function further(field, step) {
    const next = values[values.indexOf(field) + step];
    if (next) {
      next.focus();
      next.select();
    } else if (step > 0) send.focus();
  }

  form.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(send);
    } else if (field instanceof HTMLInputElement && field.matches("[data-value]")) {
      if (event.key === "Enter") {
        event.preventDefault();
        further(field, event.shiftKey ? -1 : 1);
      } else if (event.key === "=") {
        event.preventDefault();
        keep(field);
      }
    } else if (event.key === "Enter" && field instanceof HTMLInputElement && field.closest("[data-row]")) {
      event.preventDefault();
      const value = one(rowOf(field), "[data-value]");
      if (value instanceof HTMLInputElement) further(value, 1);
    }
  });

  form.addEventListener("paste", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || !field.matches("[data-value]")) return;
    const text = event.clipboardData?.getData("text") ?? "";
    const lines = text.replace(/\r/g, "").replace(/\n+$/, "").split("\n");
    if (lines.length < 2 && !text.includes("\t")) return;
    event.preventDefault();
    const named = (name) => name.normalize("NFC").trim().toLocaleLowerCase();
    let at = values.indexOf(field);
    for (const line of lines) {
      const cells = line.split("\t");
      const own =
        cells.length > 1 && values.find((value) => named(rowOf(value).dataset.name ?? "") === named(cells[0]));
      const place = own || values[at++];
      if (place && cells.at(-1)?.trim()) put(place, cells.at(-1)?.trim());
    }
  });

  one(form, "[data-keep-rest]")?.addEventListener("click", () => {
    for (const field of values) if (!field.value) keep(field);
  });

  form.addEventListener("click", (event) => {
    const take = event.target instanceof Element && event.target.closest("[data-take]");
    if (!(take instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const value = one(rowOf(take), "[data-value]");
    if (value instanceof HTMLInputElement) {
      put(value, take.value);
      value.focus();
    }
  });

  form.addEventListener("change", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement)) return;
    if (field.matches("[data-confidence]") && field.value === "0") field.value = "10";
    if (field.matches("[data-value]")) ask(field);
  });

  let running;
  /** @param {HTMLInputElement} field */
  async function ask(field) {
    const row = rowOf(field);
    const confirmed = one(row, "[data-confirmed]");
    if (confirmed instanceof HTMLInputElement) confirmed.checked = false;
    if (!field.value) return show(row, null);
    running?.abort();
    running = new AbortController();
    const id = row.dataset.row ?? "";
    const all = fieldsOf(form);
    const sent = new URLSearchParams({ [`value.${id}`]: field.value, day: all.get("day") ?? "" });
    try {
      const query = new URLSearchParams(location.search);
      const answer = await fetch(`${form.dataset.values}?${query}`, {
        method: "POST",
        body: sent,
        signal: running.signal,
      });
      if (answer.ok && !answer.redirected) show(row, (await answer.json())[id] ?? null);
    } catch (error) {
      if (!givenUp(error)) console.warn("the number could not be looked at", error);
    }
  }

  /** @param {HTMLElement} row */
  function show(row, found) {
    const doubt = one(row, "[data-doubt]");
    const value = one(row, "[data-value]");
    if (!doubt || !value) return;
    row.classList.toggle("doubtful", found !== null);
    doubt.hidden = found === null;
    if (found === null) return value.removeAttribute("aria-invalid");
    const say = (place, text) => {
      const there = one(doubt, place);
      if (there) there.textContent = text;
    };
    say("[data-asked]", found.asked);
    say("[data-why]", found.why);
    say("[data-likelier]", found.likelier);
    const take = /** @type {HTMLButtonElement} */ (one(doubt, "[data-take]"));
    take.value = found.likelier;
    take.hidden = !found.likelier;
    value.setAttribute("aria-invalid", "true");
    value.setAttribute("aria-describedby", doubt.id);
    const live = document.getElementById("live");
    if (live) live.textContent = `${found.asked} ${found.why}`;
  }
}

const form = document.querySelector("form[data-values]");
if (form instanceof HTMLFormElement) typing(form);
