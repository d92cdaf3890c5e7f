// Who is told of events.

import { call, get } from "../api.js";
import { ask, field } from "../dialog.js";
import { boxes, insist } from "../forms.js";
import { ago, count, moment, NOTHING } from "../format.js";
import { html, nothing } from "../html.js";
import { go, pager, table } from "../listing.js";
import { Page } from "../page.js";
import { showSecret } from "../secret.js";

const SECONDS = 5;
const TYPES = [
  ["stock.low", "at its threshold or below"],
  ["stock.out", "nothing left"],
  ["stock.back", "there is something again"],
  ["purchase.created"],
  ["purchase.returned"],
  ["reservation.held"],
  ["reservation.committed"],
  ["reservation.released"],
  ["reservation.expired"],
];
const REASONS = { requested: "paused", gone: "paused: it answered that it is gone", failing: "paused: it took nothing for a day" };

export default class WebhooksPage extends Page {
  title = "Webhooks";

  open() {
    this.list = this.load(() => get("/api/webhooks", { cursor: this.query.cursor }), { seconds: SECONDS });
  }

  view() {
    return html`<div class="heading">
        <h1>Webhooks</h1>
        <button type="button" @click=${make}>Add a webhook</button>
      </div>
      ${this.list.view(({ items, next_cursor }) => html`
        ${table({ label: "Webhooks", columns: COLUMNS, rows: items, empty: "Nobody is told of events. Add the URL of a system that wants to know what happens to stock." })}
        ${pager("webhooks", this.query, next_cursor)}`)}`;
  }
}

const COLUMNS = [
  { name: "URL", cell: ({ id, url, description }) => html`<span><a href="#/webhooks/${id}">${url}</a>${description ? html`<br><span class="muted">${description}</span>` : nothing}</span>` },
  { name: "Events", cell: ({ types }) => typesOf(types) },
  { name: "State", cell: stateOf },
  { name: "Last success", cell: ({ last_success_at }) => (last_success_at ? html`<span title=${moment(last_success_at)}>${ago(last_success_at)}</span>` : NOTHING) },
  { name: "Failed attempts", number: true, cell: ({ failed_attempts }) => count(failed_attempts) },
];

async function make() {
  let made;
  const done = await ask({
    title: "Add a webhook",
    action: "Add it",
    fields: (problem) => webhookFields({ url: "", types: [], description: "" }, problem),
    send: async (values, form) => {
      // Once: webhooks heed no Idempotency-Key, and nobody wants a second one of which nobody knows.
      made = (await call("POST", "/api/webhooks", { body: asked(values, form) })).body;
    },
  });
  if (!done) return;
  await showWebhookSecret(made, "It is told of what happens from now on, and can check with this secret that it was this service that told it.");
  go(`webhooks/${made.id}`);
}

/** The fields of a webhook, new or old. */
export function webhookFields({ url, types, description }, problem) {
  return html`
    ${field({ name: "url", label: "URL", type: "url", required: true, value: url, problem, placeholder: "https://", help: "https, and a public address unless the service was told of others." })}
    ${boxes({ name: "types", label: "Events", options: TYPES, chosen: types, problem, help: "None chosen: it is told of all." })}
    ${field({ name: "description", label: "Description", value: description, problem, rows: 2 })}`;
}

/** Return what was filled in, as the service takes it. */
export function asked({ url, description }, form) {
  insist(form);
  return { url, description, types: new FormData(form).getAll("types") };
}

/** Show the secret of a webhook that was just made for it. */
export function showWebhookSecret({ url, secret }, told) {
  return showSecret({ title: "The secret of the webhook", label: `The secret of ${url}`, secret, told });
}

/** Which events a webhook is told of. */
export function typesOf(types) {
  return types.length ? html`<span class="tags">${types.map((type) => html`<code>${type}</code> `)}</span>` : "all";
}

/** How a webhook does. */
export function stateOf({ state, paused_reason, failing_since }) {
  if (state === "paused") return html`<span class="tag warn">${REASONS[paused_reason] ?? "paused"}</span>`;
  if (failing_since) return html`<span class="tag bad">failing</span>`;
  return html`<span class="tag good">active</span>`;
}
