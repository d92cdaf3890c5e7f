// Rehearsals of a flash sale: begin one, and what came of those before.

import { change, get } from "../api.js";
import { ask, field, filled } from "../dialog.js";
import { count, moment, rate } from "../format.js";
import { html } from "../html.js";
import { go, pager, table } from "../listing.js";
import { Page } from "../page.js";
import { stateOf } from "./rehearsal.js";

const PATH = "rehearsals";

export default class RehearsalsPage extends Page {
  title = "Rehearsals";

  open() {
    this.rehearsals = this.load(() => get("/api/rehearsals", this.query), { seconds: 5 });
  }

  view() {
    return html`<div class="heading">
        <h1>Rehearsals</h1>
        <button type="button" @click=${begin}>Rehearse a flash sale</button>
      </div>
      <p class="muted">Simulated buyers storm a product made for it, through the very code and database that sell: a rehearsal
        shows how this installation takes a rush, and proves that it sells no unit twice. It takes some of its strength meanwhile.</p>
      ${this.rehearsals.view((page) => html`${table({ label: "Rehearsals", columns: COLUMNS, rows: page.items, empty: html`<p>Nothing was rehearsed yet.</p>` })}
        ${pager(PATH, this.query, page.next_cursor)}`)}`;
  }
}

const COLUMNS = [
  { name: "Begun", cell: (one) => html`<a href="#/${PATH}/${one.id}">${moment(one.started_at)}</a>` },
  { name: "State", cell: stateOf },
  { name: "Buyers", number: true, cell: (one) => count(one.buyers) },
  { name: "Stock", number: true, cell: (one) => count(one.stock) },
  { name: "Units sold", number: true, cell: (one) => count(one.figures.units_sold) },
  { name: "Purchases a second", number: true, cell: (one) => rate(one.figures.purchases_per_second) },
];

async function begin() {
  let made;
  const done = await ask({
    title: "Rehearse a flash sale",
    action: "Begin",
    fields: (problem) => html`<p>A product named as a rehearsal is on sale for its duration, a minute at most, and deleted afterwards. Webhooks hear of its sales.</p>
      <div class="fields">
        ${field({ name: "buyers", label: "Buyers", value: 100, type: "number", min: 1, max: 500, required: true, problem, help: "All begin at once; 1 to 500." })}
        ${field({ name: "stock", label: "Units in stock", value: 50, type: "number", min: 1, max: 10_000, required: true, problem, help: "1 to 10,000." })}
        ${field({ name: "quantity_max", label: "Units an order, at most", value: 1, type: "number", min: 1, max: 5, required: true, problem, help: "1 to 5." })}
        ${field({ name: "impatience", label: "Impatience", value: 0.3, type: "number", min: 0, max: 1, step: 0.1, required: true, problem, help: "The share of buyers who send their order twice: 0 to 1." })}
      </div>`,
    send: async (values) => {
      made = (await change("POST", "/api/rehearsals", filled(values, "buyers", "stock", "quantity_max", "impatience"))).body;
      return "The rehearsal has begun.";
    },
  });
  if (done) go(`${PATH}/${made.id}`);
}
