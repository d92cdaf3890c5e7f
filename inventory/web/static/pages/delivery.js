// One delivery of an event to a webhook, attempt by attempt.

import { change, get } from "../api.js";
import { act } from "../forms.js";
import { duration, moment, NOTHING } from "../format.js";
import { html, nothing } from "../html.js";
import { table } from "../listing.js";
import { namesOf, productLink } from "../names.js";
import { Page } from "../page.js";
import { deliveryTag, outcome } from "./webhook.js";

const SECONDS = 2;

export default class DeliveryPage extends Page {
  title = "Delivery";

  open() {
    const [id, delivery] = [this.params.id, this.params.delivery].map(encodeURIComponent);
    this.path = `/api/webhooks/${id}/deliveries/${delivery}`;
    this.told = this.load(async (before) => {
      const sent = await get(this.path);
      return { sent, names: await namesOf([sent.product_id], before?.names) };
    }, { seconds: SECONDS });
  }

  view() {
    return html`<p><a href="#/webhooks/${encodeURIComponent(this.params.id)}">The webhook</a></p>
      <div class="heading">
        <h1>Delivery</h1>
        ${this.told.value ? html`<button type="button" @click=${() => this.#redeliver()}>Redeliver</button>` : nothing}
      </div>
      ${this.told.view(({ sent, names }) => html`
        <article>${facts(sent, names)}</article>
        <h2>Attempts</h2>
        ${table({ label: "Attempts", columns: COLUMNS, rows: sent.attempts.toReversed(), empty: "None yet." })}`)}`;
  }

  async #redeliver() {
    await act(async () => {
      await change("POST", `${this.path}/redeliver`);
      return "It is sent once more.";
    });
    await this.told.reload();
  }
}

function facts(sent, names) {
  return html`<dl class="facts">
    <dt>Event</dt><dd><code>${sent.type}</code></dd>
    <dt>State</dt><dd>${deliveryTag(sent)}</dd>
    ${sent.product_id ? html`<dt>Product</dt><dd>${productLink(sent.product_id, names)}</dd>` : nothing}
    <dt><code>webhook-id</code></dt><dd><code>${sent.event_id}</code></dd>
    ${sent.sequence === null ? nothing : html`<dt>Sequence</dt><dd>${sent.sequence}</dd>`}
    <dt>Made</dt><dd>${moment(sent.created_at)}</dd>
    ${sent.next_attempt_at ? html`<dt>Next attempt</dt><dd>${moment(sent.next_attempt_at)}</dd>` : nothing}
  </dl>`;
}

const COLUMNS = [
  { name: "Time", cell: ({ at }) => moment(at) },
  { name: "Answer", cell: outcome },
  { name: "Took", number: true, cell: ({ duration_ms }) => duration(duration_ms / 1_000) },
  { name: "It said", cell: ({ response }) => (response ? html`<code class="text">${response}</code>` : NOTHING) },
];
