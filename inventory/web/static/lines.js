// How many units of each line come back, or are bought: part of a form.

import { field } from "./dialog.js";
import { refuse } from "./forms.js";
import { html } from "./html.js";

/** Fields for lines `{ product_id, most, first }`: from none to `most` units of each, at first `first`. */
export function quantities(legend, lines, names, problem) {
  return html`<fieldset>
    <legend>${legend}</legend>
    <div class="fields">
      ${lines.map(({ product_id, most, first }) => field({ name: `line-${product_id}`, label: names.get(product_id) ?? product_id,
        type: "number", min: 0, max: most, value: first, required: true, problem, help: `0 to ${most}` }))}
    </div>
  </fieldset>`;
}

/** Return the lines with any units, as the service takes them. */
export function chosen(values, lines) {
  const found = lines.map(({ product_id }) => ({ product_id, quantity: Number(values[`line-${product_id}`]) }));
  const some = found.filter(({ quantity }) => quantity > 0);
  if (!some.length) refuse("Choose at least one unit.");
  return some;
}

/** Return how many units lines have together. */
export function sum(lines, name = "quantity") {
  return lines.reduce((all, line) => all + line[name], 0);
}
