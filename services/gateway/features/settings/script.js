import { showEffect } from "./effect.js";

/** @type {HTMLFormElement | null} */
const setting = document.querySelector("form[data-effect]");
if (setting) showEffect(setting);
