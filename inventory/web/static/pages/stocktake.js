// A stocktake: products that were counted, one after the other, and what that changed.

import { change, get } from "../api.js";
import { asNumber, field, wrongs } from "../dialog.js";
import { count, moment, signed } from "../format.js";
import { html, nothing, repeat } from "../html.js";
import { table } from "../listing.js";
import { Page } from "../page.js";

const FOUND_MAX = 8;
const LINES_MAX = 100;
const DRAFT = "stocktake";

export default class StocktakePage extends Page {
  title = "Stocktake";
  // What was counted so far outlives a click on a link: { id, name, sku, counted }.
  #lines = JSON.parse(sessionStorage.getItem(DRAFT) ?? "[]");
  #found = null;
  #problem = null;
  #busy = false;
  #posted = null;

  async open() {
    if (this.query.product) await this.#try(async () => this.#add(await get(`/api/products/${encodeURIComponent(this.query.product)}`)));
  }

  view() {
    return html`<div class="heading"><h1>Stocktake</h1><a href="#/products">Products</a></div>
      ${this.#posted ? this.#result(this.#posted) : this.#draft()}`;
  }

  #draft() {
    return html`<p class="muted">Count what lies on the shelf, units that are held for checkouts included. All lines are posted at once, or none; what is sold meanwhile stays sold.</p>
      ${this.#problem ? html`<p class="refused" role="alert">${this.#problem.message}</p>` : nothing}
      <search><form class="filters" @submit=${(event) => this.#search(event)}>
        ${field({ name: "product", label: "Product", required: true, placeholder: "SKU or words", autofocus: true })}
        <div class="buttons"><button type="submit">Add</button></div>
      </form></search>
      <div aria-live="polite">${this.#found ? this.#choice() : nothing}</div>
      ${this.#lines.length ? this.#form() : html`<div class="empty"><p>Nothing is counted yet.</p><p>Scan or type a SKU, or look for a product by its name.</p></div>`}`;
  }

  #choice() {
    if (!this.#found.length) return html`<p class="stale">No product is like that.</p>`;
    return html`<ul class="choice">${this.#found.map((one) => html`<li>
      <button type="button" class="outline small" @click=${() => this.#add(one)}>Add</button> ${one.name} ${one.sku ? html`<code>${one.sku}</code>` : nothing}
    </li>`)}</ul>`;
  }

  #form() {
    return html`<form @submit=${(event) => this.#post(event)} @input=${(event) => this.#note(event)} novalidate>
      <div class="table"><table>
        <thead><tr><th scope="col">Product</th><th scope="col">SKU</th><th scope="col">Counted</th><th scope="col">Action</th></tr></thead>
        <tbody>${repeat(this.#lines, ({ id }) => id, (line, n) => html`<tr>
          <td data-name="Product"><a href="#/products/${line.id}">${line.name}</a></td>
          <td data-name="SKU">${line.sku ? html`<code>${line.sku}</code>` : nothing}</td>
          <td data-name="Counted">${this.#counted(line, n)}</td>
          <td data-name="Action"><button type="button" class="outline secondary small" aria-label="Remove ${line.name}" @click=${() => this.#remove(line)}>Remove</button></td>
        </tr>`)}</tbody>
      </table></div>
      <div class="fields">
        ${field({ name: "reference", label: "Reference", problem: this.#problem, help: "Such as the shelf or who counted." })}
        ${field({ name: "counted_at", label: "Counted at", type: "datetime-local", step: 1, problem: this.#problem, help: "If that was not just now: what moved since is taken into account." })}
      </div>
      <div class="buttons">
        <button type="submit" aria-busy=${this.#busy} ?disabled=${this.#busy}>Post ${count(this.#lines.length)} ${this.#lines.length === 1 ? "count" : "counts"}</button>
        <button type="button" class="outline secondary" @click=${() => this.#keep([])}>Discard</button>
      </div>
    </form>`;
  }

  #counted(line, n) {
    const wrong = wrongs(this.#problem, `lines.${n}`).join(" ");
    return html`<input class="counted" id="counted-${line.id}" type="number" min="0" required aria-label="Counted of ${line.name}" .value=${line.counted}
      aria-invalid=${wrong ? "true" : nothing} aria-describedby=${wrong ? `wrong-${line.id}` : nothing}>${wrong ? html`<small id="wrong-${line.id}">${wrong}</small>` : nothing}`;
  }

  #result({ lines, taken }) {
    const named = new Map(lines.map((line) => [line.id, line]));
    const columns = [
      { name: "Product", cell: (line) => html`<a href="#/products/${line.product_id}">${named.get(line.product_id)?.name ?? line.product_id}</a>` },
      { name: "Expected", number: true, cell: (line) => count(line.expected) },
      { name: "Counted", number: true, cell: (line) => count(line.counted) },
      { name: "Difference", number: true, cell: (line) => html`<span class="tag ${line.difference ? "warn" : "good"}">${line.difference ? signed(line.difference) : "as expected"}</span>` },
      { name: "Available now", number: true, cell: (line) => count(line.stock) },
    ];
    const wrong = taken.lines.filter(({ difference }) => difference).length;
    return html`<p role="status">Posted as of ${moment(taken.counted_at)}: ${wrong ? `${count(wrong)} of ${count(taken.lines.length)} differed from the books, which now agree with the shelf.` : "the books were right."}</p>
      ${table({ label: "What was counted", columns, rows: taken.lines })}
      <button type="button" class="outline" @click=${() => this.#again()}>Another stocktake</button>`;
  }

  // A scanner types a SKU and presses Enter: what is exactly that is added at once.
  async #search(event) {
    event.preventDefault();
    const form = event.target;
    const said = form.elements.product.value.trim();
    if (!said) return;
    await this.#try(async () => {
      const exact = (await get("/api/products", { sku: said })).items;
      this.#found = exact.length ? null : (await get("/api/products", { q: said, limit: FOUND_MAX })).items;
      form.reset();
      if (exact.length) this.#add(exact[0]);
    });
  }

  #add({ id, name, sku }) {
    this.#found = null;
    if (this.#lines.length === LINES_MAX) this.#problem = { message: `A stocktake has at most ${LINES_MAX} lines: post these first.`, fields: {} };
    else if (!this.#lines.some((line) => line.id === id)) this.#keep([...this.#lines, { id, name, sku, counted: "" }]);
    this.redraw();
    document.getElementById(`counted-${id}`)?.focus();
  }

  #remove(line) {
    this.#keep(this.#lines.filter((one) => one !== line));
    document.getElementById("product").focus();
  }

  #note({ target }) {
    const line = this.#lines.find(({ id }) => target.id === `counted-${id}`);
    if (!line) return;
    line.counted = target.value;
    this.#keep(this.#lines);
  }

  #keep(lines) {
    this.#lines = lines;
    if (lines.length) sessionStorage.setItem(DRAFT, JSON.stringify(lines));
    else sessionStorage.removeItem(DRAFT);
    this.redraw();
  }

  async #post(event) {
    event.preventDefault();
    const { reference, counted_at: at } = event.target.elements;
    const lines = this.#lines.map(({ id, counted }) => ({ product_id: id, counted: counted === "" ? undefined : asNumber(counted) }));
    const body = { lines, reference: reference.value || undefined, counted_at: at.value ? new Date(at.value).toISOString() : undefined };
    await this.#try(async () => {
      const { body: taken } = await change("POST", "/api/stocktakes", body);
      this.#posted = { lines: this.#lines, taken };
      this.#keep([]);
    });
    document.querySelector("#page [aria-invalid=true]")?.focus();
  }

  #again() {
    this.#posted = null;
    this.redraw();
    document.getElementById("product").focus();
  }

  async #try(action) {
    [this.#busy, this.#problem] = [true, null];
    this.redraw();
    try {
      await action();
    } catch (problem) {
      this.#problem = problem;
    }
    this.#busy = false;
    this.redraw();
  }
}
