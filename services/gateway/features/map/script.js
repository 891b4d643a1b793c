import { drawBoard } from "./board.js";

/** @type {HTMLElement | null} */
const board = document.querySelector("[data-board]");
if (board) drawBoard(board);
