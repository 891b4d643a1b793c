// A form that comes back after the sign-in goes on by itself.
document.querySelector("form[data-go]")?.requestSubmit();
