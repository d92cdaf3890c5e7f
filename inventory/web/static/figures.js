// Small things that several pages show alike.

import { words } from "./format.js";
import { html } from "./html.js";

/** One figure with its name and a note, within a list of class `tiles`. */
export function tile(name, figure, note) {
  return html`<div class="tile"><dt>${name}</dt><dd>${figure}</dd><dd class="note">${note}</dd></div>`;
}

const AVAILABILITY = { in_stock: "good", low_stock: "warn", backorder: "warn", out_of_stock: "bad" };

/** Whether a product can be bought, in words and a colour. */
export function availability(product) {
  return html`<span class="tag ${AVAILABILITY[product.availability] ?? ""}">${words(product.availability)}</span>`;
}
