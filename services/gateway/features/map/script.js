import { drawBoard } from "./board.js";

const board = document.querySelector("[data-board]");
if (board) drawBoard(board);
