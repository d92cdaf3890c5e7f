// One webhook: how it does, what was sent to it, and what it answered.

import { call, change, get } from "../api.js";
import { ask, field } from "../dialog.js";
import { act } from "../forms.js";
import { ago, count, moment, NOTHING, words } from "../format.js";
import { html, nothing } from "../html.js";
import { filters, go, pager, table } from "../listing.js";
import { namesOf, productLink } from "../names.js";
import { Page } from "../page.js";
import { asked, showWebhookSecret, stateOf, typesOf, webhookFields } from "./webhooks.js";

const SECONDS = 3;
const KINDS = { waiting: "warn", delivered: "good", failed: "bad" };
const STATES = [["", "All"], ["waiting", "Waiting"], ["delivered", "Delivered"], ["failed", "Failed"]];

export default class WebhookPage extends Page {
  title = "Webhook";

  open() {
    this.path = `/api/webhooks/${encodeURIComponent(this.params.id)}`;
    this.here = `webhooks/${encodeURIComponent(this.params.id)}`;
    this.told = this.load(() => get(this.path), { seconds: SECONDS });
    this.log = this.load(async (before) => {
      const page = await get(`${this.path}/deliveries`, this.query);
      return { ...page, names: await namesOf(page.items.map(({ product_id }) => product_id), before?.names) };
    }, { seconds: SECONDS });
  }

  view() {
    return html`<p><a href="#/webhooks">All webhooks</a></p>
      <h1>Webhook</h1>
      ${this.told.view((webhook) => html`
        <article>
          ${facts(webhook)}
          <div class="buttons actions">${this.#buttons(webhook)}</div>
        </article>
        <h2>Deliveries</h2>
        ${filters(this.here, field({ name: "state", label: "State", options: STATES, value: this.query.state ?? "" }))}
        ${this.log.view(({ items, next_cursor, names }) => html`
          ${table({ label: "Deliveries", columns: this.#columns(names), rows: items, empty: this.#empty() })}
          ${pager(this.here, this.query, next_cursor)}`)}`)}`;
  }

  #empty() {
    return this.query.state ? html`None of the last 14 days. <a href="#/${this.here}">Show all</a>`
      : "Nothing was sent yet. Send a test, or wait until something happens to stock.";
  }

  #buttons(webhook) {
    const paused = webhook.state === "paused";
    return html`<button type="button" @click=${() => this.#act("test", "A test is on its way: see below what becomes of it.")}>Send a test</button>
      <button type="button" class="outline" @click=${() => this.#edit(webhook)}>Edit</button>
      <button type="button" class="outline" @click=${() => this.#switch(paused)}>${paused ? "Resume" : "Pause"}</button>
      <button type="button" class="outline secondary" @click=${() => this.#rotate()}>New secret</button>
      <button type="button" class="outline secondary" @click=${() => this.#remove(webhook)}>Delete</button>`;
  }

  #columns(names) {
    return [
      { name: "Made", cell: ({ id, created_at }) => html`<a href="#/${this.here}/deliveries/${id}">${moment(created_at)}</a>` },
      { name: "Event", cell: ({ type }) => html`<code>${type}</code>` },
      { name: "Product", cell: ({ product_id }) => (product_id ? productLink(product_id, names) : NOTHING) },
      { name: "State", cell: deliveryTag },
      { name: "Attempts", number: true, cell: ({ attempts }) => count(attempts.length) },
      { name: "Last answer", cell: ({ attempts }) => (attempts.length ? outcome(attempts.at(-1)) : NOTHING) },
      { name: "Action", cell: ({ id, type, attempts }) => (attempts.length ? html`<button type="button" class="small outline secondary" aria-label="Redeliver ${type}"
        @click=${() => this.#act(`deliveries/${id}/redeliver`, "It is sent once more.")}>Redeliver</button>` : nothing) },
    ];
  }

  async #act(what, said) {
    await act(async () => {
      await change("POST", `${this.path}/${what}`);
      return said;
    });
    await this.log.reload();
  }

  async #edit(webhook) {
    const done = await ask({
      title: "Edit the webhook",
      action: "Save",
      fields: (problem) => webhookFields(webhook, problem),
      send: async (values, form) => {
        await change("PATCH", this.path, asked(values, form));
        return "The webhook is changed; within a second this holds for what is sent.";
      },
    });
    if (done) await this.told.reload();
  }

  async #switch(paused) {
    await act(async () => {
      await change("PATCH", this.path, { state: paused ? "active" : "paused" });
      return paused ? "It goes on where it stopped." : "Nothing is sent now; events wait for it, for 14 days.";
    });
    await this.told.reload();
  }

  async #rotate() {
    let changed;
    const done = await ask({
      title: "Make a new secret?",
      action: "Make it",
      dangerous: true,
      fields: html`<p>Messages are signed with the new secret, and for 24 hours with the one before as well. Give the new one to the receiver until then.</p>`,
      send: async () => {
        changed = (await call("POST", `${this.path}/secret`)).body;
      },
    });
    if (done) await showWebhookSecret(changed, "Messages are signed with it from now on; for 24 hours with the one before as well.");
  }

  async #remove({ url }) {
    const done = await ask({
      title: "Delete the webhook?",
      action: "Delete",
      dangerous: true,
      fields: html`<p>${url} is told nothing any more, and its deliveries are forgotten. To stop for a while, pause it.</p>`,
      send: async () => {
        await change("DELETE", this.path);
        return `${url} is told nothing any more.`;
      },
    });
    if (done) go("webhooks");
  }
}

function facts(webhook) {
  return html`<dl class="facts">
    <dt>URL</dt><dd>${webhook.url}</dd>
    ${webhook.description ? html`<dt>Description</dt><dd class="text">${webhook.description}</dd>` : nothing}
    <dt>Events</dt><dd>${typesOf(webhook.types)}</dd>
    <dt>State</dt><dd>${stateOf(webhook)}${webhook.paused_at ? html` since ${moment(webhook.paused_at)}` : nothing}</dd>
    <dt>Last success</dt><dd>${webhook.last_success_at ? `${ago(webhook.last_success_at)}, ${moment(webhook.last_success_at)}` : NOTHING}</dd>
    ${webhook.failed_attempts ? html`<dt>Failed since then</dt><dd>${count(webhook.failed_attempts)}, the first ${ago(webhook.failing_since)}</dd>` : nothing}
    <dt>Made</dt><dd>${moment(webhook.created_at)}</dd>
  </dl>`;
}

/** What became of a delivery. */
export function deliveryTag({ state, next_attempt_at }) {
  const next = state === "waiting" && new Date(next_attempt_at) > Date.now() ? `, next ${ago(next_attempt_at)}` : "";
  return html`<span class="tag ${KINDS[state] ?? ""}">${state}${next}</span>`;
}

/** What came of an attempt: a status, or why there was none. */
export function outcome({ status, failure }) {
  const good = status >= 200 && status < 300;
  return html`<span class="tag ${good ? "good" : "bad"}">${status ?? words(failure)}</span>`;
}
