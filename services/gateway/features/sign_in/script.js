// A form that comes back after the sign-in goes on by itself.
/** @type {HTMLFormElement | null} */
const form = document.querySelector("form[data-go]");
form?.requestSubmit();
