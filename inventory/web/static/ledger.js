// The movements of a product as far as they were read: the newest without a gap, as many as were asked for.

import { get } from "./api.js";

const ROWS = 100;
const PAGES = 5;

/** Movements, the newest first; of one kind, if told. */
export class Ledger {
  rows = [];
  /** Where the older ones begin; null if there are none. */
  next = null;
  #path;
  #kind;

  constructor(productId, kind) {
    this.#path = `/api/products/${encodeURIComponent(productId)}/movements`;
    this.#kind = kind;
  }

  /** Read what is new. If that is more than a few pages, what was there is left behind, as it has lost its place. */
  async update() {
    const known = this.rows[0]?.version ?? 0;
    const fresh = [];
    let cursor = null;
    for (let page = 0; page < PAGES; page += 1) {
      const { items, next_cursor: next } = await this.#read(cursor);
      const newer = items.filter(({ version }) => version > known);
      fresh.push(...newer);
      cursor = next;
      if (newer.length < items.length) {
        this.rows = [...fresh, ...this.rows];
        return;
      }
      if (cursor === null) break;
    }
    [this.rows, this.next] = [fresh, cursor];
  }

  /** Read a page of older ones. */
  async older() {
    const { items, next_cursor: next } = await this.#read(this.next);
    this.rows = [...this.rows, ...items];
    this.next = next;
  }

  #read(cursor) {
    return get(this.#path, { kind: this.#kind, limit: ROWS, cursor });
  }

  /** What took the last unit when it last sold out, as far as that was read; undefined if it was not. */
  get lastOne() {
    return this.rows.find(({ delta, balance }) => balance <= 0 && balance - delta > 0);
  }

  /** Times and counters after each movement, the oldest first, for a chart. */
  get points() {
    const rows = this.rows.toReversed();
    return {
      times: rows.map(({ at }) => Date.parse(at) / 1_000),
      available: rows.map(({ balance }) => balance),
      held: rows.map(({ held_balance: held }) => held),
    };
  }
}
