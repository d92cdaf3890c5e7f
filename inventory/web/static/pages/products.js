// The catalogue: found by words, tag, price and what is left of it.

import { get } from "../api.js";
import { adjust } from "../adjusting.js";
import { field } from "../dialog.js";
import { availability } from "../figures.js";
import { count, moment, money, NOTHING } from "../format.js";
import { html, nothing } from "../html.js";
import { filters, go, pager, table } from "../listing.js";
import { Page } from "../page.js";
import { create } from "../product-form.js";
import { may } from "../session.js";

const PATH = "products";
const ROWS = 50;
const SECONDS = 5;
const SORTS = [["", "newest first"], ["created_at", "oldest first"], ["name", "name, A to Z"], ["-name", "name, Z to A"], ["price", "cheapest first"], ["-price", "dearest first"]];
// What is left, as a choice; the address and the API have a parameter for each.
const LEFT = { any: {}, in_stock: { in_stock: "true" }, low: { low_stock: "true" }, none: { in_stock: "false" } };

export default class ProductsPage extends Page {
  title = "Products";

  open() {
    this.products = this.load(() => get("/api/products", { ...this.query, limit: ROWS }), { seconds: SECONDS });
  }

  view() {
    return html`<div class="heading">
        <h1>Products</h1>
        <div class="buttons">
          <a role="button" class="outline secondary" href="#/${PATH}?low_stock=true">Low stock</a>
          ${may("stock:write") ? html`<a role="button" class="outline secondary" href="#/stocktake">Stocktake</a>` : nothing}
          ${may("catalog:write") ? html`<button type="button" @click=${() => this.#create()}>New product</button>` : nothing}
        </div>
      </div>
      ${this.#filters()}
      ${this.products.view((page) => html`
        ${table({ label: "Products", columns: this.#columns(), rows: page.items, empty: this.#empty() })}
        ${pager(PATH, this.query, page.next_cursor)}`)}`;
  }

  #filters() {
    const { in_stock: inStock, low_stock: low } = this.query;
    const left = low === "true" ? "low" : inStock === "true" ? "in_stock" : inStock === "false" ? "none" : "any";
    const of = (name, label, more) => field({ name, label, value: this.query[name] ?? "", ...more });
    return filters(PATH, html`
      ${of("q", "Words or SKU", { type: "search", placeholder: "beginnings will do" })}
      ${of("tag", "Tag")}
      ${of("left", "What is left", { value: left, options: [["any", "any"], ["in_stock", "in stock"], ["low", "low stock"], ["none", "sold out"]] })}
      ${of("min_price", "Price from", { inputmode: "decimal" })}
      ${of("max_price", "Price to", { inputmode: "decimal" })}
      ${of("sort", "Order", { options: SORTS })}`,
    ({ left: chosen, ...others }) => ({ ...others, ...LEFT[chosen] }));
  }

  #columns() {
    const columns = [
      { name: "Name", cell: (one) => html`<a href="#/${PATH}/${one.id}">${one.name}</a>` },
      { name: "SKU", cell: (one) => (one.sku ? html`<code>${one.sku}</code>` : NOTHING) },
      { name: "Price", number: true, cell: (one) => money(one.price, one.currency) },
      { name: "Available", number: true, cell: (one) => count(one.stock) },
      { name: "Held", number: true, cell: (one) => count(one.held) },
      { name: "Availability", cell: availability },
      { name: "Updated", cell: (one) => moment(one.updated_at) },
    ];
    if (!may("stock:write")) return columns;
    const action = (one) => html`<button type="button" class="outline small" aria-label="Adjust ${one.name}" @click=${() => this.#adjust(one)}>Adjust</button>`;
    return [...columns, { name: "Action", cell: action }];
  }

  #empty() {
    if (Object.keys(this.query).length) return html`<p>No product is like that.</p><p><a href="#/${PATH}">Show all</a></p>`;
    return html`<p>There are no products yet.</p>
      ${may("catalog:write") ? html`<p>Create one with “New product”, or <a href="#/transfer">import a file</a>.</p>` : nothing}`;
  }

  async #create() {
    const made = await create();
    if (made) go(`${PATH}/${made.id}`);
  }

  async #adjust(product) {
    if (await adjust(product)) await this.products.reload();
  }
}
