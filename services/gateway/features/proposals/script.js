import { previewSums } from "./sums.js";

const proposal = document.querySelector("form[data-preview]");
if (proposal) previewSums(proposal);
