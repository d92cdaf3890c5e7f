// What is set aside during checkouts, and how long still.

import { get } from "../api.js";
import { field } from "../dialog.js";
import { countdown, moment, NOTHING, words } from "../format.js";
import { html } from "../html.js";
import { filters, opener, pager, table } from "../listing.js";
import { firstOf, idOf, namesOf } from "../names.js";
import { Page } from "../page.js";

const SECONDS = 5;
const KINDS = { held: "warn", committed: "good", released: "", expired: "bad" };
const STATES = [["held", "Held now"], ["committed", "Committed"], ["released", "Released"], ["expired", "Expired"], ["all", "All"]];

export default class ReservationsPage extends Page {
  title = "Reservations";

  open() {
    this.state = this.query.state ?? "held";
    this.list = this.load((before) => this.#read(before), { seconds: SECONDS });
    this.tick();
  }

  async #read(before) {
    const product_id = await idOf(this.query.product_id);
    if (product_id === null) return { items: [], next_cursor: null, names: new Map() };
    const { customer_id, cursor } = this.query;
    const state = this.state === "all" ? "" : this.state;
    const page = await get("/api/reservations", { state, product_id, customer_id, cursor });
    return { ...page, names: await namesOf(page.items.map(({ lines }) => lines[0].product_id), before?.names) };
  }

  view() {
    const { customer_id, product_id } = this.query;
    return html`<div class="heading">
        <h1>Reservations</h1>
        ${opener("reservations", "Reservation id")}
      </div>
      ${filters("reservations", html`
        ${field({ name: "state", label: "State", options: STATES, value: this.state })}
        ${field({ name: "customer_id", label: "Customer", value: customer_id })}
        ${field({ name: "product_id", label: "Product, by SKU or id", value: product_id })}`)}
      ${this.list.view(({ items, next_cursor, names }) => html`
        ${table({ label: "Reservations", columns: columns(names), rows: items, empty: this.#empty() })}
        ${pager("reservations", this.query, next_cursor)}`)}`;
  }

  #empty() {
    if (this.query.customer_id || this.query.product_id || this.state !== "held") {
      return html`There is no such reservation. <a href="#/reservations">Show what is held now</a>`;
    }
    return html`Nothing is held now. What carts set aside by <a href="../docs">the API</a> shows up here; <a href="#/reservations?state=all">show what was held</a>.`;
  }
}

const columns = (names) => [
  { name: "Made", cell: ({ id, created_at }) => html`<a href="#/reservations/${id}">${moment(created_at)}</a>` },
  { name: "Customer", cell: ({ customer_id }) => customer_id ?? NOTHING },
  { name: "Reference", cell: ({ reference }) => reference ?? NOTHING },
  { name: "Holds", cell: ({ lines }) => firstOf(lines, names) },
  { name: "State", cell: ({ state }) => stateTag(state) },
  { name: "Runs out in", number: true, cell: ({ state, expires_at }) => (state === "held" ? countdown(expires_at) : NOTHING) },
];

/** What became of a reservation. */
export function stateTag(state) {
  return html`<span class="tag ${KINDS[state] ?? ""}">${words(state)}</span>`;
}
