import { findWhileTyping, openByKey } from "./finding.js";

/** @type {NodeListOf<HTMLFormElement>} */
const forms = document.querySelectorAll("form[data-search]");
for (const form of forms) findWhileTyping(form);
openByKey(document);
