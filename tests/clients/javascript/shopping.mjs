// What the tests of the client for JavaScript share: the service, a proxy that loses answers, and a
// page with its session storage. Where these are, the test that starts this says.

import { randomUUID } from "node:crypto";

import { Shop } from "../../../clients/javascript/inventory.js";

const { SERVICE_URL, PROXY_URL, SECRET_KEY, PUBLISHABLE_KEY, PAGE_ORIGIN } = process.env;
export const SECRET = SECRET_KEY;
export const PAGE = PAGE_ORIGIN;
export const SERVICE = SERVICE_URL;

// Waits little, so that the tests do; what is waited for is the same.
const HASTY = { attemptMs: 60_000, deadlineMs: 120_000, backoffMs: 2 };

/** Call the service past every client. */
export async function call(method, path, body) {
  const response = await fetch(SERVICE_URL + path, {
    method,
    headers: { Authorization: `Bearer ${SECRET_KEY}`, "Content-Type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

export const create = (stock = 5, terms = {}) =>
  call("POST", "/api/products", { name: "Air Runner", price: "19.90", stock, ...terms });

/** Return how many purchases the ledger of a product has. */
export async function sold({ id }) {
  const { items } = await call("GET", `/api/products/${id}/movements?kind=purchase`);
  return items.length;
}

/** What a tab keeps; it survives a reload, which a `Shop` does not. */
export class Tab {
  #kept = new Map();
  getItem = (name) => this.#kept.get(name) ?? null;
  setItem = (name, text) => this.#kept.set(name, text);
  removeItem = (name) => this.#kept.delete(name);
  get size() {
    return this.#kept.size;
  }
}

/** Return a shop of a page, behind the proxy, whose requests have fates such as "drop-busy". */
export function behind(fates, { key = PUBLISHABLE_KEY, tab = new Tab(), ...options } = {}) {
  const url = `${PROXY_URL}/${randomUUID().replaceAll("-", "")}~${fates}`;
  const shop = new Shop(url, key, { ...HASTY, storage: tab, ...options });
  const tell = async (word) => (await fetch(`${url}/~${word}`)).json();
  return { shop, tab, seen: () => tell("seen"), end: () => tell("end") };
}
