import { hintAt } from "./hints.js";

/** @type {HTMLFormElement | null} */
const praise = document.querySelector("form[data-check]");
if (praise) hintAt(praise);
