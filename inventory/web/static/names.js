// What products are called, where only their ids are told.

import { get } from "./api.js";
import { count } from "./format.js";
import { html, nothing } from "./html.js";
import { may } from "./session.js";

const IDS_MAX = 100;

/** Return names by id: those in `known`, and all others by one call. Who may not read products knows none. */
export async function namesOf(ids, known = new Map()) {
  const asked = [...new Set(ids)].filter((id) => id && !known.has(id));
  if (!asked.length || !may("catalog:read")) return known;
  const names = new Map(known);
  for (let n = 0; n < asked.length; n += IDS_MAX) {
    const some = asked.slice(n, n + IDS_MAX);
    const { items } = await get("/api/products", { ids: some.join(), limit: IDS_MAX });
    // Those that are gone have no name; nobody needs to ask for it again.
    for (const id of some) names.set(id, null);
    for (const { id, name } of items) names.set(id, name);
  }
  return names;
}

/** A link to a product, by its name. */
export function productLink(id, names) {
  if (!may("catalog:read")) return html`<code>${id}</code>`;
  const name = names.get(id);
  return name ? html`<a href="#/products/${id}">${name}</a>` : html`<code>${id}</code> <span class="muted">(deleted)</span>`;
}

/** The first of some lines by its product's name, and how many others there are. */
export function firstOf([{ product_id, quantity }, ...others], names) {
  return html`<span>${count(quantity)} × ${productLink(product_id, names)}${others.length
    ? html` <span class="muted">and ${others.length} more</span>` : nothing}</span>`;
}

/** Return the id of the product that was named by it or by its SKU; null if there is none. */
export async function idOf(text) {
  if (!text || /^[0-9a-f]{24}$/.test(text) || !may("catalog:read")) return text;
  const { items } = await get("/api/products", { sku: text });
  return items[0]?.id ?? null;
}
