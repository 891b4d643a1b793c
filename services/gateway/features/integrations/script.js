// What is shown once is copied by one tap. Without script it is marked and copied by hand.
/** @type {HTMLButtonElement | null} */
const button = document.querySelector("button[data-copy]");
const field = button && document.getElementById(button.dataset.copy ?? "");
if (button && field instanceof HTMLInputElement && navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard.writeText(field.value);
    const said = button.dataset.copied ?? "";
    for (const place of [button.querySelector("span"), document.getElementById("live")])
      if (place) place.textContent = said;
  });
}
