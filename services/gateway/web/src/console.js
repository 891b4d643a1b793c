import { closeMenus } from "./menus.js";
import { showMore } from "./more.js";
import { sayBack } from "./numbers.js";
import { warnOfUnsent } from "./unsent.js";

closeMenus(document);
/** @type {NodeListOf<HTMLInputElement>} */
const numbers = document.querySelectorAll("input[data-number]");
sayBack(numbers);
showMore(document);
warnOfUnsent(document.querySelectorAll("main form.form, main form[data-preview]"));
