// The digest of a file that shows what a number is from. The file itself does not leave this machine.
for (const field of document.querySelectorAll("[data-digest]")) {
  const chosen = /** @type {HTMLInputElement} */ (field.querySelector("input[type=file]"));
  const name = /** @type {HTMLInputElement} */ (field.querySelector("[name=file_name]"));
  const digest = /** @type {HTMLInputElement} */ (field.querySelector("[name=file_sha256]"));
  const told = /** @type {HTMLOutputElement} */ (field.querySelector("output"));
  if (!crypto.subtle) continue; // a page that did not come over a safe way: an address is all that can be given
  /** @type {HTMLElement} */ (field).hidden = false;
  chosen.addEventListener("change", async () => {
    const file = chosen.files?.[0];
    name.value = digest.value = told.value = "";
    if (!file) return;
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    if (chosen.files?.[0] !== file) return; // another one was chosen meanwhile
    name.value = file.name;
    digest.value = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    told.value = `${name.value} · ${digest.value}`;
  });
}
