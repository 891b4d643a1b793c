// Elements of the page, as what they are in it.

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const one = (root, selector) => root.querySelector(selector);

/**
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export const all = (root, selector) => [.../** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll(selector))];

/**
 * What was hit by an event, or the nearest around it, that a selector names.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const hit = (event, selector) => (event.target instanceof Element ? event.target.closest(selector) : null);

/**
 * A form's fields, as they are sent.
 * @param {HTMLFormElement} form
 */
export const fieldsOf = (form) =>
  new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]));

/**
 * Did somebody give it up because they asked anew?
 * @param {unknown} error
 */
export const givenUp = (error) => error instanceof DOMException && error.name === "AbortError";
