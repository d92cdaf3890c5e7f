// Each refusal has words for the shopper, with its figures.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { explain, MESSAGES } from "../../../clients/javascript/inventory.js";
import { behind, call, create, SECRET, SERVICE } from "./shopping.mjs";

const OPERATIONS = [
  ["/api/products/{product_id}/purchase", "post"],
  ["/api/purchases", "post"],
  ["/api/reservations", "post"],
  ["/api/reservations/{reservation_id}/commit", "post"],
  ["/api/reservations/{reservation_id}/release", "post"],
];
const explaining = { name: () => "Air Runner", locale: "en-GB" };
const { shop } = behind("relay", { explaining });
const server = behind("relay", { key: SECRET, tab: null, explaining }).shop;

/** What a page shows after a click that is refused. */
async function said(wanted, by = shop) {
  const outcome = await by.buy(wanted);
  assert.equal(outcome.state, "refused", JSON.stringify(outcome));
  return outcome.message;
}

const hold = (product, quantity, ttl_seconds = 600) =>
  server.hold({ lines: [{ product_id: product.id, quantity }], ttl_seconds });

const clock = (moment) =>
  new Date(moment).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

test("every problem of buying and holding has words, and so has the page of the documentation",
  async () => {
    const document = await (await fetch(`${SERVICE}/openapi.json`)).json();
    const codes = OPERATIONS.flatMap(([path, verb]) =>
      Object.values(document.paths[path][verb].responses).flatMap(({ description }) =>
        [...description.matchAll(/^- \[`(\w+)`\]/gm)].map(([, code]) => code)));
    assert.ok(codes.includes("insufficient_stock"));
    const own = ["no_answer", "internal_server_error"];
    assert.deepEqual(new Set(Object.keys(MESSAGES)), new Set([...codes, ...own]));
    const page = await readFile(new URL("../../../docs/clients.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell]) =>
      [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code));
    assert.deepEqual(new Set(rows), new Set(Object.keys(MESSAGES)));
  });

test("sold out", async () => {
  const product = await create(0);
  assert.equal(await said({ product_id: product.id, quantity: 1 }), "Air Runner: sold out.");
});

test("only so many left, and how many are in other carts until when", async () => {
  const product = await create(3);
  const wanted = { product_id: product.id, quantity: 4 };
  assert.equal(await said(wanted), "Air Runner: only 3 left.");
  const until = clock((await hold(product, 2)).result.expires_at);
  assert.equal(
    await said(wanted), `Air Runner: only 1 left, 2 more in other carts until ${until}.`);
  await hold(product, 1, 900);
  assert.equal(
    await said(wanted),
    `Air Runner: the last 3 are in other carts until ${until}; some may come back.`);
});

test("a cart says so of every product that is short", async () => {
  const [none, one] = [await create(0), await create(1)];
  const lines = [none, one].map(({ id }) => ({ product_id: id, quantity: 2 }));
  const message = await said({ lines });
  assert.match(message, /Air Runner: sold out\./);
  assert.match(message, /Air Runner: only 1 left\./);
});

test("the limits of an order and of a customer", async () => {
  const order = await create(9, { max_per_order: 2 });
  assert.equal(await said({ product_id: order.id, quantity: 3 }), "At most 2 an order.");
  const limit = { max_per_customer: { quantity: 3, window_seconds: 60 } };
  const product = await create(9, limit);
  const wanted = { product_id: product.id, quantity: 2 };
  assert.match(await said(wanted), /sign in/);
  await shop.buy({ ...wanted, customer_id: "ann" });
  assert.equal(
    await said({ ...wanted, customer_id: "ann" }),
    "At most 3 per customer; you have 2 already.");
});

test("two currencies, and a product that is gone", async () => {
  const products = [await create(), await create(5, { currency: "EUR" })];
  const lines = products.map(({ id }) => ({ product_id: id, quantity: 1 }));
  assert.match(await said({ lines }), /^Please order (EUR and USD|USD and EUR) separately\.$/);
  const gone = { product_id: "0".repeat(24), quantity: 1 };
  assert.equal(await said(gone), "This product is not on sale any more.");
});

test("a reservation that has expired, was released, or was bought", async () => {
  const product = await create(1);
  const held = (await hold(product, 1, 1)).result;
  while ((await call("GET", `/api/reservations/${held.id}`)).state === "held");
  await shop.buy({ product_id: product.id, quantity: 1 });
  const late = await server.commit(held.id);
  assert.equal(late.message, "Your reservation has expired. Air Runner: sold out.");

  const plenty = await create();
  const kept = (await hold(plenty, 1)).result;
  const more = await server.commit(kept.id, [{ product_id: plenty.id, quantity: 2 }]);
  assert.match(more.message, /fewer units/);
  await server.commit(kept.id);
  assert.match((await server.release(kept.id)).message, /bought already/);
  const back = (await hold(plenty, 1)).result;
  await server.release(back.id);
  assert.match((await server.commit(back.id)).message, /given back/);
});

test("too many requests, too busy, and a key that is not good for this", async () => {
  const wanted = { product_id: (await create()).id, quantity: 1 };
  assert.match(await said(wanted, behind("closed").shop), /Nothing was bought; please wait/);
  const busy = behind("later", { waitMsMax: 500 });
  assert.match(await said(wanted, busy.shop), /very busy. Nothing was bought/);
  assert.match((await shop.commit("0".repeat(24))).message, /cannot take orders/);
});

test("words of the shop's own, and something to say about what nobody knows yet", () => {
  const messages = { insufficient_stock: ({ available }) => `Noch ${available}.` };
  assert.equal(explain({ code: "insufficient_stock", available: 2 }, { messages }), "Noch 2.");
  assert.match(explain({ code: "upstream_timeout", status: 503 }), /could not find out/);
  assert.match(explain({ code: "too_many_requests", status: 429 }), /too many/);
  assert.match(explain({ code: "new_refusal", status: 409 }), /reload the page/);
});
