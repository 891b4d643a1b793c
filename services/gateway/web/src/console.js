import { keepTyped } from "./kept.js";
import { closeMenus } from "./menus.js";
import { showMore } from "./more.js";
import { sayBack } from "./numbers.js";
import { warnOfUnsent } from "./unsent.js";

closeMenus(document);
/** @type {NodeListOf<HTMLInputElement>} */
const numbers = document.querySelectorAll("input[data-number]");
sayBack(numbers);
showMore(document);
/** @type {NodeListOf<HTMLFormElement>} */
const kept = document.querySelectorAll("main form[data-keep]");
for (const form of kept) keepTyped(form);
warnOfUnsent(document.querySelectorAll("main form.form:not([data-keep]), main form[data-preview]"));
