import { closeMenus } from "./menus.js";
import { drawBoard } from "./board.js";
import { hintAt } from "./hints.js";
import { previewSums } from "./sums.js";
import { sayBack } from "./numbers.js";
import { showMore } from "./more.js";
import { warnOfUnsent } from "./unsent.js";

closeMenus(document);
const board = document.querySelector("[data-board]");
if (board) drawBoard(board);
const proposal = document.querySelector("form[data-preview]");
if (proposal) previewSums(proposal);
const praise = document.querySelector("form[data-check]");
if (praise) hintAt(praise);
sayBack(document.querySelectorAll("input[data-number]"));
showMore(document);
document.querySelector("form[data-go]")?.requestSubmit();
warnOfUnsent(document.querySelectorAll("main form.form, main form[data-preview]"));
