import { closeMenus } from "./menus.js";
import { sayBack } from "./numbers.js";
import { showMore } from "./more.js";
import { warnOfUnsent } from "./unsent.js";

closeMenus(document);
sayBack(document.querySelectorAll("input[data-number]"));
showMore(document);
warnOfUnsent(document.querySelectorAll("main form.form, main form[data-preview]"));
