// One purchase: what was bought, and what came back.

import { change, get, search } from "../api.js";
import { ask, field } from "../dialog.js";
import { box, insist } from "../forms.js";
import { count, moment, money, NOTHING, units } from "../format.js";
import { html, nothing } from "../html.js";
import { chosen, quantities, sum } from "../lines.js";
import { table } from "../listing.js";
import { namesOf, productLink } from "../names.js";
import { Page } from "../page.js";
import { may } from "../session.js";

export default class PurchasePage extends Page {
  title = "Purchase";

  open() {
    this.path = `/api/purchases/${encodeURIComponent(this.params.id)}`;
    this.told = this.load(async () => {
      const purchase = await get(this.path);
      return { purchase, names: await namesOf(purchase.lines.map(({ product_id }) => product_id)) };
    });
  }

  view() {
    const purchase = this.told.value?.purchase;
    const returnable = purchase && may("stock:write") && remaining(purchase).length > 0;
    return html`<p><a href="#/purchases">All purchases</a></p>
      <div class="heading">
        <h1>Purchase</h1>
        ${returnable ? html`<button type="button" @click=${() => this.#takeBack()}>Return units</button>` : nothing}
      </div>
      ${this.told.view(({ purchase, names }) => html`
        <article>${facts(purchase)}</article>
        <h2>Lines</h2>
        ${table({ label: "Lines", columns: columns(purchase.currency, names), rows: purchase.lines })}`)}`;
  }

  async #takeBack() {
    const { purchase, names } = this.told.value;
    const lines = remaining(purchase);
    const done = await ask({
      title: "Return units",
      action: "Return",
      fields: (problem) => html`${quantities("How many come back", lines, names, problem)}
        ${field({ name: "reason", label: "Reason", required: true, problem, placeholder: "too small" })}
        ${box({ name: "restock", label: "Put them on sale again", checked: true, help: "Not what is broken or lost." })}`,
      send: async (values, form) => {
        insist(form);
        const restock = "restock" in values;
        const { body } = await change("POST", `${this.path}/returns`, { lines: chosen(values, lines), reason: values.reason, restock });
        return `${units(sum(body.lines))} came back; ${restock ? "on sale again" : "not put on sale"}.`;
      },
    });
    if (done) await this.told.reload();
  }
}

function facts({ id, created_at, customer_id, reference, total, currency, reservation_id, reacquired }) {
  const customer = may("stock:write")
    ? html`<a href="#/purchases${search({ customer_id })}">${customer_id}</a>` : customer_id;
  return html`<dl class="facts">
    <dt>Id</dt><dd><code>${id}</code></dd>
    <dt>Time</dt><dd>${moment(created_at)}</dd>
    <dt>Customer</dt><dd>${customer_id ? customer : NOTHING}</dd>
    <dt>Reference</dt><dd>${reference ?? NOTHING}</dd>
    <dt>Total</dt><dd>${money(total, currency)}</dd>
    ${reservation_id ? html`<dt>Held before by</dt><dd><a href="#/reservations/${reservation_id}">the reservation <code>${reservation_id}</code></a>${reacquired
      ? ", which had expired: the units were taken once more" : nothing}</dd>` : nothing}
  </dl>`;
}

const columns = (currency, names) => [
  { name: "Product", cell: ({ product_id }) => productLink(product_id, names) },
  { name: "Quantity", number: true, cell: ({ quantity }) => count(quantity) },
  { name: "Price", number: true, cell: ({ unit_price }) => money(unit_price, currency) },
  { name: "Total", number: true, cell: ({ total }) => money(total, currency) },
  { name: "Backordered", number: true, cell: ({ backordered }) => (backordered ? count(backordered) : NOTHING) },
  { name: "Returned", number: true, cell: ({ returned }) => (returned ? html`<span class="tag warn">${count(returned)}</span>` : NOTHING) },
  { name: "Stock afterwards", number: true, cell: ({ remaining_stock }) => count(remaining_stock) },
];

/** What may still come back; of a single line all of it at first. */
function remaining({ lines }) {
  const left = lines.map(({ product_id, quantity, returned }) => ({ product_id, most: quantity - returned }));
  return left.filter(({ most }) => most > 0).map((line, _, all) => ({ ...line, first: all.length === 1 ? line.most : 0 }));
}
