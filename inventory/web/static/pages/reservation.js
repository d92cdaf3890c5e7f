// One reservation: extend it, let it be bought, or put its units on sale again.

import { change, get } from "../api.js";
import { ask, field } from "../dialog.js";
import { insist } from "../forms.js";
import { count, countdown, moment, NOTHING, units } from "../format.js";
import { html, nothing } from "../html.js";
import { chosen, quantities, sum } from "../lines.js";
import { table } from "../listing.js";
import { namesOf, productLink } from "../names.js";
import { Page } from "../page.js";
import { stateTag } from "./reservations.js";

const SECONDS = 5;
const MINUTES_FIRST = 15;
const MINUTES_MAX = 1_440;

export default class ReservationPage extends Page {
  title = "Reservation";

  open() {
    this.path = `/api/reservations/${encodeURIComponent(this.params.id)}`;
    this.told = this.load(async (before) => {
      const held = await get(this.path);
      return { held, names: await namesOf(held.lines.map(({ product_id }) => product_id), before?.names) };
    }, { seconds: SECONDS });
    this.tick();
  }

  view() {
    return html`<p><a href="#/reservations">All reservations</a></p>
      <div class="heading">
        <h1>Reservation</h1>
        ${this.told.value ? this.#buttons(this.told.value) : nothing}
      </div>
      ${this.told.view(({ held, names }) => html`
        <article>${facts(held)}</article>
        <h2>Lines</h2>
        ${table({ label: "Lines", columns: columns(names), rows: held.lines })}`)}`;
  }

  #buttons({ held, names }) {
    const isHeld = held.state === "held";
    // Of one that has expired the units can be taken once more, if they are still there.
    const isOpen = isHeld || held.state === "expired";
    return html`<div class="buttons">
      ${isOpen ? html`<button type="button" @click=${() => this.#commit(held, names)}>Commit</button>` : nothing}
      ${isHeld ? html`<button type="button" class="outline" @click=${() => this.#extend()}>Extend</button>
        <button type="button" class="outline secondary" @click=${() => this.#release(held)}>Release</button>` : nothing}
    </div>`;
  }

  async #extend() {
    await this.#ask({
      title: "Extend the reservation",
      action: "Extend",
      fields: (problem) => field({ name: "minutes", label: "Minutes from now", type: "number", min: 1, max: MINUTES_MAX, value: MINUTES_FIRST, required: true, problem }),
      send: async ({ minutes }, form) => {
        insist(form);
        const { body } = await change("PATCH", this.path, { ttl_seconds: 60 * minutes });
        return `It is held until ${moment(body.expires_at)}${body.expires_at === body.extendable_until ? ", which is as long as it can be" : ""}.`;
      },
    });
  }

  async #commit(held, names) {
    const lines = held.lines.map(({ product_id, quantity }) => ({ product_id, most: quantity, first: quantity }));
    await this.#ask({
      title: "Commit the reservation",
      action: "Commit",
      fields: (problem) => html`${held.state === "expired" ? html`<p>It has expired: the units are taken once more, if they are still there.</p>` : nothing}
        ${quantities("How many are bought; the others go on sale again", lines, names, problem)}`,
      send: async (values, form) => {
        insist(form);
        const { body } = await change("POST", `${this.path}/commit`, { lines: chosen(values, lines) });
        return `${units(sum(body.lines))} sold${body.reacquired ? "; they were taken once more, as it had expired" : ""}.`;
      },
    });
  }

  async #release(held) {
    await this.#ask({
      title: "Release the reservation?",
      action: "Release",
      dangerous: true,
      fields: html`<p>${units(sum(held.lines))} go on sale again at once, and whoever is at the checkout may not get them any more.</p>`,
      send: async () => {
        await change("POST", `${this.path}/release`);
        return `${units(sum(held.lines))} are on sale again.`;
      },
    });
  }

  async #ask(question) {
    if (await ask(question)) await this.told.reload();
  }
}

function facts(held) {
  const { id, state, created_at, expires_at, extendable_until, ended_at, purchase_id } = held;
  return html`<dl class="facts">
    <dt>State</dt><dd>${stateTag(state)}</dd>
    <dt>Id</dt><dd><code>${id}</code></dd>
    <dt>Customer</dt><dd>${held.customer_id ?? NOTHING}</dd>
    <dt>Reference</dt><dd>${held.reference ?? NOTHING}</dd>
    <dt>Made</dt><dd>${moment(created_at)}</dd>
    ${state === "held"
      ? html`<dt>Runs out</dt><dd>in <strong>${countdown(expires_at)}</strong>, ${moment(expires_at)}</dd>
        <dt>Can last until</dt><dd>${moment(extendable_until)}</dd>`
      : html`<dt>Ended</dt><dd>${moment(ended_at ?? expires_at)}</dd>`}
    ${purchase_id ? html`<dt>Became</dt><dd><a href="#/purchases/${purchase_id}">the purchase <code>${purchase_id}</code></a></dd>` : nothing}
  </dl>`;
}

const columns = (names) => [
  { name: "Product", cell: ({ product_id }) => productLink(product_id, names) },
  { name: "Quantity", number: true, cell: ({ quantity }) => count(quantity) },
  { name: "Backordered", number: true, cell: ({ backordered }) => (backordered ? count(backordered) : NOTHING) },
];
