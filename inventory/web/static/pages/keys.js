// The API keys: who may do what, made and taken back.

import { call, change, get } from "../api.js";
import { ask, field } from "../dialog.js";
import { box, boxes, insist } from "../forms.js";
import { ago, moment, NOTHING } from "../format.js";
import { html, nothing } from "../html.js";
import { pager, table } from "../listing.js";
import { Page } from "../page.js";
import { showSecret } from "../secret.js";
import { session } from "../session.js";

const SCOPES = [
  ["catalog:read", "products, as shoppers see them"],
  ["catalog:write", "make, edit, import products"],
  ["stock:purchase", "buy and hold"],
  ["stock:write", "adjust, count, return; purchases, movements, events"],
  ["metrics:read", "the figures at /metrics"],
  ["admin", "everything, keys and webhooks too"],
];
const STATES = { active: "good", expired: "warn", revoked: "bad" };

export default class KeysPage extends Page {
  title = "Keys";

  open() {
    this.list = this.load(() => get("/api/keys", { cursor: this.query.cursor }));
  }

  view() {
    return html`<div class="heading">
        <h1>API keys</h1>
        <button type="button" @click=${() => this.#make()}>Make a key</button>
      </div>
      ${this.list.view(({ items, next_cursor }) => html`
        ${table({ label: "API keys", columns: this.#columns(), rows: items, empty: "There is no key yet. Make one for each client: what one may do, the others need not." })}
        ${pager("keys", this.query, next_cursor)}`)}`;
  }

  #columns() {
    return [
      { name: "Client", cell: ({ id, client }) => html`<span>${client}${id === session().key_id ? html` <span class="tag">yours</span>` : nothing}</span>` },
      { name: "Key", cell: ({ hint, publishable }) => html`<span><code>${hint}…</code>${publishable ? html` <span class="tag">publishable</span>` : nothing}</span>` },
      { name: "State", cell: (key) => html`<span class="tag ${STATES[stateOf(key)]}">${stateOf(key)}</span>` },
      { name: "Scopes", cell: ({ scopes }) => html`<span class="tags">${scopes.map((scope) => html`<code>${scope}</code> `)}</span>` },
      { name: "Made", cell: ({ created_at }) => moment(created_at) },
      { name: "Ends", cell: ({ revoked_at, expires_at }) => (revoked_at || expires_at ? moment(revoked_at ?? expires_at) : "never") },
      { name: "Last use", cell: ({ last_used_at }) => (last_used_at ? html`<span title=${moment(last_used_at)}>${ago(last_used_at)}</span>` : NOTHING) },
      { name: "Action", cell: (key) => (stateOf(key) === "active" ? html`<button type="button" class="small outline secondary" aria-label="Revoke the key ${key.hint} of ${key.client}" @click=${() => this.#revoke(key)}>Revoke</button>` : nothing) },
    ];
  }

  async #make() {
    let made;
    const done = await ask({
      title: "Make a key",
      action: "Make it",
      fields: (problem) => html`
        ${field({ name: "client", label: "Client", required: true, problem, help: "Who uses it: a client's keys share its limits and its Idempotency-Keys." })}
        ${boxes({ name: "scopes", label: "What it may do", options: SCOPES, problem })}
        ${box({ name: "publishable", label: "Publishable", help: "It may stand in a page that shoppers get: catalog:read and stock:purchase at most." })}
        ${field({ name: "expires_at", label: "Ends", type: "datetime-local", problem, help: "Your time. Empty: never." })}`,
      send: async ({ client, expires_at, publishable }, form) => {
        insist(form);
        const scopes = new FormData(form).getAll("scopes");
        const ends = expires_at ? new Date(expires_at).toISOString() : null;
        const body = { client, scopes, publishable: publishable !== undefined, expires_at: ends };
        // Once: keys heed no Idempotency-Key, and nobody wants a second one of which nobody knows.
        made = (await call("POST", "/api/keys", { body })).body;
      },
    });
    if (!done) return;
    await Promise.all([this.list.reload(), showSecret({
      title: "The new key",
      label: `The key of ${made.client}`,
      secret: made.key,
      told: html`Its client sends it as <code>Authorization: Bearer …</code>.`,
    })]);
  }

  async #revoke(key) {
    const mine = key.id === session().key_id;
    const done = await ask({
      title: "Revoke the key?",
      action: "Revoke",
      dangerous: true,
      fields: html`<p>Within a second <code>${key.hint}…</code> of ${key.client} opens nothing any more, for good.</p>
        ${mine ? html`<p class="stale"><strong>You are signed in with this key.</strong> This session ends with it.</p>` : nothing}`,
      send: async () => {
        await change("DELETE", `/api/keys/${key.id}`);
        return `The key ${key.hint}… of ${key.client} is revoked.`;
      },
    });
    if (done) await this.list.reload();
  }
}

function stateOf({ revoked_at, expires_at }) {
  if (revoked_at) return "revoked";
  return expires_at && new Date(expires_at) <= Date.now() ? "expired" : "active";
}
