// What was sold, the newest first.

import { get } from "../api.js";
import { field } from "../dialog.js";
import { count, moment, money, NOTHING } from "../format.js";
import { html } from "../html.js";
import { sum } from "../lines.js";
import { filters, opener, pager, table } from "../listing.js";
import { firstOf, idOf, namesOf } from "../names.js";
import { Page } from "../page.js";

export default class PurchasesPage extends Page {
  title = "Purchases";

  open() {
    this.list = this.load(() => this.#read());
  }

  async #read() {
    const product_id = await idOf(this.query.product_id);
    if (product_id === null) return { items: [], next_cursor: null, names: new Map() };
    const { customer_id, cursor } = this.query;
    const page = await get("/api/purchases", { customer_id, product_id, cursor });
    return { ...page, names: await namesOf(page.items.map(({ lines }) => lines[0].product_id)) };
  }

  view() {
    const { customer_id, product_id } = this.query;
    return html`<div class="heading">
        <h1>Purchases</h1>
        ${opener("purchases", "Purchase id")}
      </div>
      ${filters("purchases", html`
        ${field({ name: "customer_id", label: "Customer", value: customer_id })}
        ${field({ name: "product_id", label: "Product, by SKU or id", value: product_id })}`)}
      ${this.list.view(({ items, next_cursor, names }) => html`
        ${table({ label: "Purchases", columns: columns(names), rows: items, empty: this.#empty() })}
        ${pager("purchases", this.query, next_cursor)}`)}`;
  }

  #empty() {
    return this.query.customer_id || this.query.product_id
      ? html`Nobody like this has bought anything like that. <a href="#/purchases">Show all purchases</a>`
      : html`Nothing has been sold yet. What is bought by <a href="../docs">the API</a> shows up here.`;
  }
}

const columns = (names) => [
  { name: "Time", cell: ({ id, created_at }) => html`<a href="#/purchases/${id}">${moment(created_at)}</a>` },
  { name: "Customer", cell: ({ customer_id }) => customer_id ?? NOTHING },
  { name: "Reference", cell: ({ reference }) => reference ?? NOTHING },
  { name: "Bought", cell: ({ lines }) => firstOf(lines, names) },
  { name: "Total", number: true, cell: ({ total, currency }) => money(total, currency) },
  { name: "Returned", number: true, cell: ({ lines }) => back(lines) },
];

function back(lines) {
  const [returned, quantity] = [sum(lines, "returned"), sum(lines)];
  if (!returned) return NOTHING;
  return html`<span class="tag warn">${returned === quantity ? "all" : html`${count(returned)} of ${count(quantity)}`}</span>`;
}
