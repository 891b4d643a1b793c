import { previewSums } from "./sums.js";

/** @type {HTMLFormElement | null} */
const proposal = document.querySelector("form[data-preview]");
if (proposal) previewSums(proposal);
