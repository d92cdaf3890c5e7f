// Stock that changes without a sale: goods that came in, broke, or were found.

import { change } from "./api.js";
import { asNumber, ask, field, filled } from "./dialog.js";
import { count, signed, words } from "./format.js";
import { html } from "./html.js";

// As the service has them: a reason has a direction, a correction has both.
const MORE = ["received", "returned", "found", "correction"];
const FEWER = ["damaged", "lost", "theft", "expired", "sample", "internal_use", "vendor_return", "correction"];
const REASONS = [...MORE.map((reason) => [`+${reason}`, `+ ${words(reason)}`]), ...FEWER.map((reason) => [`-${reason}`, `− ${words(reason)}`])];

/** Ask how the stock of a product has changed, and why; return whether it was done. */
export function adjust(product) {
  return ask({
    title: `Adjust the stock of ${product.name}`,
    action: "Adjust",
    fields: (problem) => html`<p>${count(product.stock)} available now${product.held ? html`, and ${count(product.held)} held for checkouts` : ""}.</p>
      <div class="fields">
        ${field({ name: "reason", label: "Reason", options: REASONS, required: true, problem, help: "+ puts units into stock, − takes them out." })}
        ${field({ name: "delta", label: "Units", type: "number", min: 1, required: true, problem, help: "How many; the reason has the sign." })}
      </div>
      <div class="fields">
        ${field({ name: "reference", label: "Reference", problem, help: "Such as the number of a delivery." })}
        ${field({ name: "expected_stock", label: "Only if available is still", type: "number", problem, help: "Refused if somebody was quicker." })}
      </div>
      ${field({ name: "note", label: "Note", rows: 2, problem })}`,
    send: async ({ reason, delta, ...others }) => {
      const body = { delta: directed(reason[0], asNumber(delta)), reason: reason.slice(1), ...filled(others, "expected_stock") };
      const { body: movement } = await change("POST", `/api/products/${product.id}/adjustments`, body);
      return `${product.name}: ${signed(movement.delta)}, now ${count(movement.balance)} available.`;
    },
  });
}

// Whoever types a sign that the reason cannot have is told so by the service.
function directed(sign, units) {
  return sign === "-" && units > 0 ? -units : units;
}
