// One click buys once, whatever the network does meanwhile, and a reload is no second click.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Shop } from "../../../clients/javascript/inventory.js";
import { behind, call, create, PAGE, SECRET, SERVICE, sold, Tab } from "./shopping.mjs";

const LOST = ["drop", "half", "refuse", "busy", "page", "outcome", "running"];

for (const fates of [...LOST, "drop-busy-half-outcome"]) {
  test(`a click behind "${fates}" buys once, with one key`, async () => {
    const product = await create();
    const { shop, tab, seen } = behind(fates);
    const outcome = await shop.buy({ product_id: product.id, quantity: 2 });
    assert.equal(outcome.state, "done");
    assert.equal(outcome.result.remaining_stock, 3);
    const requests = await seen();
    const expected = [...fates.split("-"), "relay"];
    // A service under load may make it wait once more.
    assert.deepEqual(requests.map(({ fate }) => fate).slice(0, expected.length), expected);
    assert.deepEqual(new Set(requests.map(({ key }) => key)), new Set([outcome.key]));
    assert.equal(await sold(product), 1);
    assert.equal(tab.size, 0, "an answered click is not kept");
  });
}

test("a service that says when is waited for, and the page is told", async () => {
  const product = await create();
  const pauses = [];
  const { shop } = behind("later", { onWait: ({ seconds }) => pauses.push(seconds) });
  assert.equal((await shop.buy({ product_id: product.id, quantity: 1 })).state, "done");
  assert.equal(pauses.length, 1);
  assert.ok(pauses[0] >= 1 && pauses[0] < 1.1);
});

test("a silent service is asked again with the same key", async () => {
  const product = await create();
  const { shop, seen } = behind("silent", { attemptMs: 1_000 });
  assert.equal((await shop.buy({ product_id: product.id, quantity: 1 })).state, "done");
  const requests = await seen();
  assert.equal(requests[0].fate, "silent");
  assert.equal(new Set(requests.map(({ key }) => key)).size, 1);
  assert.equal(await sold(product), 1);
});

test("when time is up it is unknown, and not refused", async () => {
  const product = await create();
  const { shop, tab } = behind("silent", { attemptMs: 100_000, deadlineMs: 300 });
  const began = performance.now();
  const unknown = await shop.buy({ product_id: product.id, quantity: 1 });
  assert.ok(performance.now() - began < 20_000, "it does not wait for ever");
  assert.deepEqual([unknown.state, unknown.problem.code], ["unknown", "no_answer"]);
  assert.match(unknown.message, /look again/);
  assert.equal(tab.size, 1);
});

test("to look again tells what became of it, and buys nothing more", async () => {
  const product = await create();
  const { shop, tab } = behind("drop-closed");
  const unknown = await shop.buy({ product_id: product.id, quantity: 1 });
  assert.deepEqual([unknown.state, unknown.problem.code], ["unknown", "rate_limited"]);
  const known = await behind("relay", { tab }).shop.buy({ product_id: product.id, quantity: 1 });
  assert.deepEqual([known.state, known.resumed, known.key], ["done", true, unknown.key]);
  assert.equal((await unknown.again()).result.id, known.result.id);
  assert.equal(await sold(product), 1);
  assert.equal(tab.size, 0);
});

test("a page that is reloaded while it waits finds out what became of its click", async () => {
  const product = await create();
  const before = behind("silent", { attemptMs: 100_000, deadlineMs: 100_000 });
  const click = before.shop.buy({ product_id: product.id, quantity: 1 });
  while ((await before.seen()).length === 0);
  const after = behind("relay", { tab: before.tab });
  const outcome = await after.shop.resume(`product:${product.id}`);
  assert.deepEqual([outcome.state, outcome.resumed], ["done", true]);
  assert.equal(await after.shop.resume(`product:${product.id}`), null);
  await before.end();
  assert.equal((await click).result.id, outcome.result.id, "the page that was left");
  assert.equal(await sold(product), 1);
});

test("a click for something else asks about the open one first", async () => {
  const product = await create();
  const { tab, shop } = behind("drop-closed");
  await shop.buy({ product_id: product.id, quantity: 1 });
  const next = behind("relay", { tab }).shop;
  const outcome = await next.buy({ product_id: product.id, quantity: 2 });
  assert.deepEqual([outcome.result.quantity, outcome.resumed], [1, true]);
  assert.equal(await sold(product), 1);
});

test("if the open click was refused, the next one is sent", async () => {
  const product = await create(3);
  const { tab, shop } = behind("drop", { attemptMs: 1, deadlineMs: 1 });
  assert.equal((await shop.buy({ product_id: product.id, quantity: 4 })).state, "unknown");
  const outcome = await behind("relay", { tab }).shop.buy({ product_id: product.id, quantity: 3 });
  assert.deepEqual([outcome.state, outcome.resumed], ["done", false]);
  assert.equal(tab.size, 0);
});

test("a double click is one click, and two clicks are two", async () => {
  const product = await create();
  const { shop, seen } = behind("drop");
  const wanted = { product_id: product.id, quantity: 1 };
  const [one, same] = await Promise.all([shop.buy(wanted), shop.buy(wanted)]);
  assert.equal(one.result.id, same.result.id);
  assert.equal((await seen()).length, 2);
  const other = await shop.buy(wanted);
  assert.notEqual(other.key, one.key);
  assert.equal(await sold(product), 2);
});

test("a definite no is not asked for twice", async () => {
  const product = await create(1);
  const refused = {
    insufficient_stock: { product_id: product.id, quantity: 2 },
    product_not_found: { product_id: "0".repeat(24), quantity: 1 },
    validation_failed: { product_id: product.id, quantity: 0 },
  };
  for (const [code, wanted] of Object.entries(refused)) {
    const { shop, tab, seen } = behind("relay");
    const outcome = await shop.buy(wanted);
    assert.deepEqual([outcome.state, outcome.problem.code], ["refused", code]);
    assert.equal((await seen()).length, 1);
    assert.equal(tab.size, 0);
  }
});

test("what certainly changed nothing is refused in the end, not unknown", async () => {
  const product = await create();
  const wanted = { product_id: product.id, quantity: 1 };
  const closed = behind("closed");
  const limited = await closed.shop.buy(wanted);
  assert.deepEqual([limited.state, limited.problem.code], ["refused", "rate_limited"]);
  assert.equal((await closed.seen()).length, 1, "a minute is not waited for");
  const busy = await behind("busy-busy-later", { waitMsMax: 500 }).shop.buy(wanted);
  assert.deepEqual([busy.state, busy.problem.code], ["refused", "storage_unavailable"]);
  assert.equal(await sold(product), 0);
});

test("an answer about access does not settle what was lost before", async () => {
  const product = await create();
  const { shop, tab } = behind("drop-locked");
  const outcome = await shop.buy({ product_id: product.id, quantity: 1 });
  assert.deepEqual([outcome.state, outcome.problem.code], ["unknown", "invalid_api_key"]);
  assert.equal(tab.size, 1);
});

test("a cart, a hold, and what only the shop's server may do with it", async () => {
  const product = await create();
  const lines = [{ product_id: product.id, quantity: 1 }];
  const { shop } = behind("drop-drop");
  const cart = await shop.buy({ lines, reference: "order 17" });
  assert.equal(cart.result.lines[0].quantity, 1);
  const held = await shop.hold({ lines, ttl_seconds: 60 });
  assert.equal(held.result.state, "held");
  const page = await shop.commit(held.result.id);
  assert.equal(page.problem.code, "secret_key_required");

  const server = behind("drop-drop-drop", { key: SECRET, tab: null }).shop;
  const bought = await server.commit(held.result.id);
  assert.deepEqual([bought.state, bought.result.reservation_id], ["done", held.result.id]);
  const again = await server.hold({ lines, ttl_seconds: 60 });
  assert.equal((await server.release(again.result.id)).result.state, "released");
  assert.equal(await sold(product), 1, "and one commit");
});

test("without storage each call has a key of its own, or the caller's", async () => {
  const product = await create();
  const wanted = { product_id: product.id, quantity: 1 };
  const { shop } = behind("relay", { tab: null });
  const outcomes = await Promise.all([shop.buy(wanted), shop.buy(wanted)]);
  assert.equal(new Set(outcomes.map(({ key }) => key)).size, 2);
  const key = `order-${product.id}`;
  const [one, same] = [await shop.buy(wanted, { key }), await shop.buy(wanted, { key })];
  assert.deepEqual([one.key, same.result.id], [key, one.result.id]);
  assert.equal(await sold(product), 3);
});

test("a storage that is forbidden keeps nobody from buying", async () => {
  const forbid = () => {
    throw new Error("SecurityError");
  };
  const tab = { getItem: forbid, setItem: forbid, removeItem: forbid };
  const product = await create();
  const { shop } = behind("drop", { tab });
  assert.equal((await shop.buy({ product_id: product.id, quantity: 1 })).state, "done");
  assert.equal(await sold(product), 1);
});

test("a click of the day before is not sent again: nobody remembers its key", async () => {
  const product = await create();
  const tab = new Tab();
  const slot = `product:${product.id}`;
  const entry = { key: "old", path: `/api/products/${product.id}/purchase`, body: "{}" };
  tab.setItem(`inventory:${slot}`, JSON.stringify({ ...entry, at: Date.now() - 24 * 3_600_000 }));
  const { shop } = behind("relay", { tab });
  assert.equal(await shop.resume(slot), null);
  assert.equal((await shop.buy({ product_id: product.id, quantity: 1 })).resumed, false);
});

test("reads are repeated, and say what is wrong if they fail", async () => {
  const product = await create();
  const { shop } = behind("drop-half-busy-page");
  assert.equal((await shop.product(product.id)).id, product.id);
  const { items } = await shop.products({ ids: product.id, limit: 1 });
  assert.equal(items[0].id, product.id);
  await assert.rejects(shop.product("0".repeat(24)), { message: /not on sale any more/ });
  const away = new Shop("http://127.0.0.1:1", null, { deadlineMs: 20 });
  await assert.rejects(away.products(), { message: /cannot be reached/ });
});

test("ten units for a hundred pages behind a flaky network: ten are sold", async () => {
  const product = await create(10);
  const pages = behind("flaky", { deadlineMs: 90_000, attemptMs: 90_000, tab: null });
  const clicks = Array.from({ length: 100 }, (_, number) =>
    pages.shop.buy({ product_id: product.id, quantity: 1, reference: `${number}` }));
  const outcomes = await Promise.all(clicks);
  const done = outcomes.filter(({ state }) => state === "done");
  const refused = outcomes.filter(({ problem }) => problem?.code === "insufficient_stock");
  assert.deepEqual([done.length, refused.length], [10, 90]);
  assert.equal(new Set(done.map(({ result }) => result.id)).size, 10);
  assert.equal(await sold(product), 10);
  assert.equal((await call("GET", `/api/products/${product.id}/stock`)).available, 0);
});

test("a page of an origin that the service knows may send and read what this does", async () => {
  const response = await fetch(`${SERVICE}/api/purchases`, {
    method: "OPTIONS",
    headers: { Origin: PAGE, "Access-Control-Request-Method": "POST" },
  });
  const allowed = response.headers.get("Access-Control-Allow-Headers").toLowerCase().split(", ");
  for (const name of ["authorization", "content-type", "idempotency-key"]) {
    assert.ok(allowed.includes(name), name);
  }
  const read = await fetch(`${SERVICE}/healthz`, { headers: { Origin: PAGE } });
  assert.match(read.headers.get("Access-Control-Expose-Headers"), /\bRetry-After\b/);
});
