// A check-in that keeps itself: what is typed is kept after a pause and when a field is left; − and + step, the last
// numbers are taken over in one go, lists grow, Ctrl+Enter sends. What looks mistyped the service asks about.
import { all, fieldsOf, givenUp, one } from "../../web/src/dom.js";

const PAUSE = 4000;

/** @param {HTMLFormElement} form */
function checkIn(form) {
  const values = /** @type {HTMLInputElement[]} */ (all(form, "[data-value]"));
  const send = /** @type {HTMLButtonElement} */ (one(form, "[data-send]"));
  const revision = /** @type {HTMLInputElement} */ (one(form, "[data-revision]"));
  const kept = /** @type {HTMLElement} */ (one(form, "[data-kept]"));
  const count = /** @type {HTMLElement} */ (one(form, "[data-count]"));
  const english = document.documentElement.lang === "en";
  const rowOf = (field) => /** @type {HTMLElement} */ (field.closest("[data-row]"));

  // --- numbers ---

  /** @param {string} text */
  function number(text) {
    const plain = english ? text.replace(/[,\s]/g, "") : text.replace(/[.\s]/g, "").replace(",", ".");
    return plain === "" || Number.isNaN(Number(plain)) ? null : Number(plain);
  }

  const written = (value) => new Intl.NumberFormat(english ? "en" : "vi", { maximumFractionDigits: 6 }).format(value);

  /** @param {HTMLInputElement} field */
  function put(field, text) {
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {HTMLInputElement} field */
  function sayMoved(field) {
    const place = one(rowOf(field), "[data-moved]");
    const now = number(field.value);
    const last = field.dataset.lastRaw ? Number(field.dataset.lastRaw) : null;
    if (!place) return;
    const by = now === null || last === null ? null : Math.round((now - last) * 1e6) / 1e6;
    place.textContent = by === null ? "" : by === 0 ? "=" : `${by > 0 ? "▲" : "▼"} ${written(Math.abs(by))}`;
    place.classList.toggle("up", by !== null && by > 0);
  }

  function sayCount() {
    const filled = values.filter((field) => field.value.trim()).length;
    count.textContent = (count.dataset.text ?? "")
      .replace("{n}", String(filled))
      .replace("{all}", String(values.length));
    all(form, "[data-bars] i").forEach((bar, index) => {
      bar.classList.toggle("on", Boolean(values[index]?.value.trim()));
    });
  }

  form.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    const row = button.closest("[data-row]");
    const value = row && one(row, "[data-value]");
    if (!(value instanceof HTMLInputElement)) return;
    if (button.dataset.step) {
      const from = number(value.value) ?? Number(value.dataset.lastRaw || 0);
      put(value, written(from + Number(button.dataset.step)));
    } else if (button.matches("[data-take]")) {
      event.preventDefault();
      put(value, button.value);
      value.focus();
    }
  });

  one(form, "[data-keep-rest]")?.addEventListener("click", () => {
    for (const value of values) {
      if (value.value || !value.dataset.last) continue;
      put(value, value.dataset.last);
      const row = rowOf(value);
      const last = one(row, ".confidence .last input");
      if (last instanceof HTMLInputElement && !one(row, ".confidence input:checked")) last.checked = true;
    }
    later();
  });

  // --- lists that grow ---

  for (const list of all(form, "[data-lines]")) {
    const spare = () => /** @type {HTMLInputElement[]} */ (all(list, "input")).filter((line) => !line.value.trim());
    const show = () => {
      const [first, ...rest] = spare();
      if (first) first.hidden = false;
      for (const line of rest) line.hidden = line !== document.activeElement;
    };
    list.addEventListener("input", () => {
      if (spare().length === 0) {
        const lines = all(list, "input");
        const last = lines.at(-1);
        if (last && lines.length < 20) {
          const next = /** @type {HTMLInputElement} */ (last.cloneNode());
          next.value = "";
          next.name = `${list.dataset.lines}.${lines.length}`;
          last.after(next);
        }
      }
      show();
    });
    list.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      const lines = /** @type {HTMLInputElement[]} */ (all(list, "input"));
      const at = lines.indexOf(/** @type {HTMLInputElement} */ (event.target));
      const next = lines.slice(at + 1).find((line) => !line.hidden);
      if (next) next.focus();
    });
    show();
  }

  // --- keeping what is typed ---

  let timer,
    keeping = false,
    again = false,
    over = false,
    sending = false;

  function later() {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  }

  async function keep() {
    clearTimeout(timer);
    if (over || sending) return;
    if (keeping) {
      again = true;
      return;
    }
    keeping = true;
    const fields = fieldsOf(form);
    fields.set("key", crypto.randomUUID ? crypto.randomUUID() : "");
    try {
      const answer = await fetch(form.dataset.draft ?? "", { method: "POST", body: fields });
      if (answer.redirected) return;
      const told = await answer.json();
      if (answer.ok) {
        revision.value = String(told.revision);
        kept.textContent = (kept.dataset.text ?? "").replace("{at}", told.at);
      } else {
        over = answer.status === 409;
        kept.textContent = told.said;
        kept.classList.add("error");
      }
    } catch (error) {
      console.warn("the draft could not be kept", error);
    } finally {
      keeping = false;
      if (sending) {
        form.requestSubmit(send);
      } else if (again) {
        again = false;
        keep();
      }
    }
  }

  form.addEventListener("input", () => {
    sayCount();
    later();
  });
  form.addEventListener("change", (event) => {
    const field = event.target;
    if (field instanceof HTMLInputElement && field.matches("[data-value]")) {
      sayMoved(field);
      ask(field);
    }
    if (field instanceof HTMLInputElement && field.type === "radio") later();
    else keep();
  });
  // What is being kept just now is kept first: it moves the draft on, and what is sent goes on from it.
  form.addEventListener("submit", (event) => {
    sending = true;
    clearTimeout(timer);
    if (keeping) event.preventDefault();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      form.requestSubmit(send);
    } else if (
      event.key === "Enter" &&
      event.target instanceof HTMLInputElement &&
      event.target.matches("[data-value]")
    ) {
      event.preventDefault();
      const next = values[values.indexOf(event.target) + (event.shiftKey ? -1 : 1)];
      if (next) {
        next.focus();
        next.select();
      }
    }
  });

  // --- what looks mistyped ---

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
    const day = fieldsOf(form).get("day") ?? "";
    const cycle = /** @type {HTMLInputElement | null} */ (one(form, "[data-cycle]"))?.value ?? "";
    const body = new URLSearchParams({ [`value.${id}`]: field.value, day });
    try {
      const answer = await fetch(`${form.dataset.values}?cycle=${encodeURIComponent(cycle)}`, {
        method: "POST",
        body,
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
    for (const [place, text] of [
      ["[data-asked]", found.asked],
      ["[data-why]", found.why],
      ["[data-likelier]", found.likelier],
    ]) {
      const there = one(doubt, place);
      if (there) there.textContent = text;
    }
    const take = /** @type {HTMLButtonElement} */ (one(doubt, "[data-take]"));
    take.value = found.likelier;
    take.hidden = !found.likelier;
    value.setAttribute("aria-invalid", "true");
    value.setAttribute("aria-describedby", doubt.id);
    const live = document.getElementById("live");
    if (live) live.textContent = `${found.asked} ${found.why}`;
  }

  for (const value of values) sayMoved(value);
  sayCount();
}

const form = document.querySelector("form[data-checkin]");
if (form instanceof HTMLFormElement) checkIn(form);
