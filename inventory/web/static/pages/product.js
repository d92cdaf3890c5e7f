// One product: what there is of it, everything that ever happened to its stock, and what can be done about it.

import { change, get } from "../api.js";
import { adjust } from "../adjusting.js";
import "../chart.js";
import { ask, field } from "../dialog.js";
import { availability, tile } from "../figures.js";
import { ago, count, countdown, moment, money, NOTHING, signed, words } from "../format.js";
import { html, nothing } from "../html.js";
import { Ledger } from "../ledger.js";
import { go, table } from "../listing.js";
import { Page } from "../page.js";
import { edit, perCustomer, tag } from "../product-form.js";
import { may } from "../session.js";
import { verdict } from "./sale.js";

const SECONDS = 3;
const ROWS = 25;
const KINDS = ["purchase", "hold", "commit", "release", "expiry", "return", "adjustment", "stocktake", "opening"];
// As high as the chart, so that nothing below it moves when it comes.
const ROOM_FOR_CHART = html`<article><h2>Stock over time</h2><p class="room-for-chart" aria-busy="true">Loading …</p></article>`;

export default class ProductPage extends Page {
  title = "Product";
  #path = `/api/products/${encodeURIComponent(this.params.id)}`;
  #all = new Ledger(this.params.id);
  #listed = this.#ledgerOf(this.query.kind);
  #shown = ROWS;
  #clients = new Map();
  #chart = { of: [], data: null };
  #tick;

  open() {
    this.product = this.load((before) => this.#read(before), { seconds: SECONDS });
    if (may("stock:write")) {
      this.movements = this.load(() => this.#update());
      this.books = this.load(async () => ({ ...(await get(`${this.#path}/integrity`)), at: new Date().toISOString() }));
    }
    if (may("stock:purchase")) this.holds = this.load(() => holdsOf(this.params.id), { seconds: SECONDS });
    if (may("admin")) this.load(async () => this.#name(await get("/api/keys", { limit: 100 })));
    this.#tick = setInterval(() => this.holds?.value?.length && this.redraw(), 1_000);
  }

  close() {
    super.close();
    clearInterval(this.#tick);
  }

  view() {
    // What was deleted has a history still.
    if (this.product.problem?.status === 404 && this.movements?.value) {
      return html`<h1>Deleted product</h1><p class="stale">It is no longer in the catalogue. What happened to it stays in the books.</p>${this.#timeline()}`;
    }
    if (!this.product.value) return html`<h1>Product</h1>${this.product.view(() => nothing)}`;
    return this.product.view((product) => html`${this.#heading(product)} ${this.#now(product)}
      ${this.movements ? this.movements.view(() => this.#history(product), ROOM_FOR_CHART) : nothing}
      ${this.#openHolds()} ${this.#facts(product)}
      ${this.movements?.value ? this.#timeline() : nothing}`);
  }

  async #read(before) {
    const product = await get(this.#path);
    this.title = product.name;
    if (before && before.stock_version !== product.stock_version) this.movements?.reload();
    return product;
  }

  async #update() {
    await this.#all.update();
    if (this.#listed !== this.#all) await this.#listed.update();
    return this.#all;
  }

  #ledgerOf(kind) {
    return kind ? new Ledger(this.params.id, kind) : this.#all;
  }

  #name({ items }) {
    for (const { id, client } of items) this.#clients.set(id, client);
    return items;
  }

  #heading(product) {
    const [stock, catalogue] = [may("stock:write"), may("catalog:write")];
    return html`<div class="heading">
      <h1>${product.name}</h1>
      <div class="buttons">
        <a role="button" class="outline" href="#/sale/${product.id}">Sale mode</a>
        ${stock ? html`<a role="button" class="outline secondary" href="#/stocktake?product=${product.id}">Count</a>
          <button type="button" @click=${() => this.#done(adjust(product))}>Adjust stock</button>` : nothing}
        ${catalogue ? html`<button type="button" @click=${() => this.#done(edit(product))}>Edit</button>
          <button type="button" class="outline secondary" @click=${() => this.#delete(product)}>Delete</button>` : nothing}
      </div>
    </div>`;
  }

  #now(product) {
    return html`<dl class="tiles">
      ${tile("Available", html`<span id="available">${count(product.stock)}</span>`, availability(product))}
      ${tile("Held", count(product.held), "in checkouts, not paid yet")}
      ${tile("On the shelf", count(Math.max(0, product.stock + product.held)), "available and held")}
      ${tile("Price", money(product.price, product.currency), product.low_stock_threshold ? `low at ${count(product.low_stock_threshold)}` : "no threshold")}
    </dl>`;
  }

  #history(product) {
    return html`${this.#lastOne(product)}
      <article>
        <h2>Stock over time</h2>
        <line-chart aria-label=${`Available and held after each movement; now ${product.stock} available, ${product.held} held`} .data=${this.#points(product)}></line-chart>
        ${this.#all.next ? html`<p class="muted">Drawn from the ${count(this.#all.rows.length)} newest movements. <button type="button" class="outline small" @click=${() => this.#older(this.#all)}>Draw older ones</button></p>` : nothing}
      </article>`;
  }

  // The same object as long as nothing has changed, so that nothing is drawn anew.
  #points(product) {
    const of = [product, this.#all.rows];
    if (of.some((one, n) => one !== this.#chart.of[n])) {
      const { times, available, held } = this.#all.points;
      const lines = [{ label: "available", values: [...available, product.stock], steps: true }, { label: "held", values: [...held, product.held], steps: true }];
      this.#chart = { of, data: { times: [...times, Math.max(Date.now() / 1_000, times.at(-1) ?? 0)], lines } };
    }
    return this.#chart.data;
  }

  #lastOne(product) {
    const out = product.stock <= 0;
    const row = this.#all.lastOne;
    if (row) return html`<p class=${out ? "refused" : "muted"} id="last-one"><strong>${out ? "Sold out:" : "When it last sold out:"}</strong> ${this.#taker(row)}</p>`;
    if (!out) return nothing;
    return html`<p class="refused" id="last-one"><strong>None left:</strong> ${this.#all.next
      ? html`who took the last one is not among the ${count(this.#all.rows.length)} newest movements. <button type="button" class="outline small" @click=${() => this.#older(this.#all)}>Look further back</button>`
      : "nobody took the last one, as there never was any."}</p>`;
  }

  #taker(row) {
    const units = -row.delta === 1 ? "the last unit" : `the last ${count(-row.delta)} units`;
    const who = row.customer_id ? html`customer <strong>${row.customer_id}</strong>` : "a customer who is not named";
    const what = { purchase: html`${units} went to ${who}`, hold: html`${units} were set aside for the checkout of ${who}` };
    const did = what[row.kind] ?? html`${units} left by ${words(row.kind)}${row.reason ? html` (${words(row.reason)})` : nothing}`;
    return html`${did} ${ago(row.at)}, ${moment(row.at)}${row.reference ? html`, reference ${row.reference}` : nothing}. ${links(row)}`;
  }

  #openHolds() {
    const holds = this.holds?.value;
    if (!holds?.length) return nothing;
    const units = (hold) => hold.lines.filter((line) => line.product_id === this.params.id).reduce((sum, line) => sum + line.quantity, 0);
    const columns = [
      { name: "Runs out in", cell: (hold) => html`<span role="timer">${countdown(hold.expires_at)}</span>` },
      { name: "Units", number: true, cell: (hold) => count(units(hold)) },
      { name: "Customer", cell: (hold) => hold.customer_id ?? NOTHING },
      { name: "Reference", cell: (hold) => hold.reference ?? NOTHING },
      { name: "Since", cell: (hold) => moment(hold.created_at) },
      { name: "Hold", cell: (hold) => html`<a href="#/reservations/${hold.id}" aria-label="Hold of ${count(units(hold))} units">open</a>` },
    ];
    return html`<h2>Open holds</h2>${table({ label: "Open holds", columns, rows: holds })}`;
  }

  #facts(product) {
    const limit = product.max_per_customer;
    return html`<div class="charts">
      <article>
        <h2>Catalogue</h2>
        <dl class="facts">
          <dt>SKU</dt><dd>${product.sku ? html`<code>${product.sku}</code>` : NOTHING}</dd>
          <dt>Description</dt><dd>${product.description || NOTHING}</dd>
          <dt>Tags</dt><dd>${product.tags.length ? product.tags.map((one) => html`<a class="tag" href="#/products?tag=${encodeURIComponent(one)}">${one}</a> `) : NOTHING}</dd>
          ${Object.entries(product.attributes).map(([name, value]) => html`<dt>${words(name)}</dt><dd>${String(value)}</dd>`)}
          <dt>Backorders</dt><dd>${product.oversell_limit ? `${count(product.oversell_limit)} at most` : "none"}</dd>
          <dt>An order, at most</dt><dd>${product.max_per_order ? count(product.max_per_order) : "no limit"}</dd>
          <dt>A customer, at most</dt><dd>${limit ? perCustomer(limit) : "no limit"}</dd>
          <dt>Created, updated</dt><dd>${moment(product.created_at)}, ${moment(product.updated_at)}</dd>
          <dt>Id, version</dt><dd><code>${product.id}</code>, ${count(product.version)}</dd>
        </dl>
      </article>
      ${this.books ? html`<article>
        <h2>Books</h2>
        ${this.books.view(verdict)}
        <p><button type="button" class="outline small" @click=${() => this.books.reload()}>Check again</button></p>
      </article>` : nothing}
    </div>`;
  }

  #timeline() {
    const { rows, next } = this.#listed;
    const choose = (event) => this.#choose(event.target.value);
    const more = rows.length > this.#shown || next;
    return html`<div class="heading">
        <h2>What happened</h2>
        <div @change=${choose}>${field({ name: "kind", label: "Show", required: true, value: this.query.kind ?? "", options: [["", "all movements"], ...KINDS.map((kind) => [kind, words(kind)])] })}</div>
      </div>
      ${table({ label: "Movements", columns: this.#columns(), rows: rows.slice(0, this.#shown), empty: html`<p>Nothing of this kind happened.</p>` })}
      <p class="pager">${more ? html`<button type="button" class="outline" @click=${() => this.#more()}>Show older ones</button>` : html`<span class="muted">That is all.</span>`}</p>`;
  }

  #columns() {
    return [
      { name: "When", cell: (row) => moment(row.at) },
      { name: "What", cell: (row) => html`<span class="tag">${words(row.kind)}</span> ${row.reason ? words(row.reason) : nothing}` },
      { name: "Change", number: true, cell: (row) => html`${signed(row.delta)}${row.held_delta ? html`<br><small class="muted">held ${signed(row.held_delta)}</small>` : nothing}` },
      { name: "After", number: true, cell: (row) => html`${count(row.balance)}${row.held_balance ? html`<br><small class="muted">held ${count(row.held_balance)}</small>` : nothing}` },
      { name: "Who", cell: (row) => this.#who(row) },
      { name: "Why", cell: (row) => html`${[row.reference, row.note].filter(Boolean).map((one) => html`${one}<br>`)} ${links(row)}` },
    ];
  }

  #who({ actor, customer_id: customer }) {
    if (!actor && !customer) return NOTHING;
    return html`${customer ? html`customer ${customer}` : nothing}${customer && actor ? html`<br>` : nothing}
      ${actor ? html`<small class="muted" title="API key ${actor}">by ${this.#clients.get(actor) ?? html`key <code>${actor.slice(-6)}</code>`}</small>` : nothing}`;
  }

  // In the address, but not gone to: the page stays where it is.
  #choose(kind) {
    this.query.kind = kind;
    history.replaceState(null, "", `#/products/${this.params.id}${kind ? `?kind=${kind}` : ""}`);
    this.#listed = this.#ledgerOf(kind);
    this.#shown = ROWS;
    this.movements.reload();
  }

  async #more() {
    this.#shown += ROWS;
    if (this.#listed.rows.length < this.#shown && this.#listed.next) await this.#older(this.#listed);
    this.redraw();
  }

  async #older(ledger) {
    // One after the other, also after what is being read by itself.
    await this.movements.reload();
    if (ledger.next) await ledger.older();
    this.redraw();
  }

  async #done(asked) {
    await asked;
    await Promise.all([this.product.reload(), this.movements?.reload()]);
  }

  async #delete(product) {
    const done = await ask({
      title: `Delete ${product.name}?`,
      action: "Delete",
      dangerous: true,
      fields: html`<p>It can no longer be bought or found, and nothing brings it back.${product.stock + product.held > 0 ? html` There are still <strong>${count(product.stock + product.held)} units</strong> of it.` : nothing}
        What was sold and counted stays in the books.</p>`,
      send: async () => {
        await change("DELETE", this.#path, undefined, { ifMatch: tag(product) });
        return `${product.name} is deleted.`;
      },
    });
    if (done) go("products");
    else await this.product.reload();
  }
}

/** Links to the purchase and the hold that a movement belongs to. */
function links({ purchase_id: purchase, reservation_id: reservation }) {
  return html`${purchase ? html`<a href="#/purchases/${purchase}">Purchase</a> ` : nothing}
    ${reservation ? html`<a href="#/reservations/${reservation}">Hold</a>` : nothing}`;
}

async function holdsOf(productId) {
  const { items } = await get("/api/reservations", { state: "held", product_id: productId, limit: 100 });
  return items;
}
