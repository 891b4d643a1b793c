import { closeMenus } from "./menus.js";
import { drawBoard } from "./board.js";
import { previewSums } from "./sums.js";
import { warnOfUnsent } from "./unsent.js";

closeMenus(document);
const board = document.querySelector("[data-board]");
if (board) drawBoard(board);
const proposal = document.querySelector("form[data-preview]");
if (proposal) previewSums(proposal);
warnOfUnsent(document.querySelectorAll("main form.form, main form[data-preview]"));
