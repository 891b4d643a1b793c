// Does it add up? Asked of the server while a proposal is written; the last answer wins.
export function previewSums(form) {
  const sums = form.querySelector("[data-sums]");
  let timer, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body, signal: running.signal, headers: { "X-Requested-With": "fetch" } });
      if (answer.ok && !answer.redirected) sums.innerHTML = await answer.text();
    } catch (error) {
      if (error.name !== "AbortError") console.warn("the sums could not be worked out", error);
    }
  };
  const changed = (event) => {
    if (!/^((after|floor|stretch|baseline)\.|addition_)/.test(event.target.name ?? "")) return;
    clearTimeout(timer);
    timer = setTimeout(ask, 300);
  };
  form.addEventListener("input", changed);
  form.addEventListener("change", changed);
}
