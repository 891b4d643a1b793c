// What was typed and not sent is not lost by a slip: leaving the page is asked about. Forms that were refused hold typed words too.
export function warnOfUnsent(forms) {
  let unsent = false;
  for (const form of forms) {
    if (form.querySelector("[role=alert]")) unsent = true;
    form.addEventListener("input", () => {
      unsent = true;
    });
    form.addEventListener("submit", () => {
      unsent = false;
    });
  }
  window.addEventListener("beforeunload", (event) => {
    if (unsent) event.preventDefault();
  });
}
