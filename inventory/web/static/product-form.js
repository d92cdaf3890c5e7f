// The form of a product: its fields, what was typed as the API takes it, and what two people changed at once.

import { change, get } from "./api.js";
import { asNumber, ask, field, notify } from "./dialog.js";
import { count, NOTHING } from "./format.js";
import { html, nothing } from "./html.js";
import { table } from "./listing.js";

const LABELS = {
  name: "Name",
  sku: "SKU",
  price: "Price",
  currency: "Currency",
  description: "Description",
  tags: "Tags",
  attributes: "Attributes",
  low_stock_threshold: "Low stock at",
  oversell_limit: "Backorders, at most",
  max_per_order: "Units an order, at most",
  max_per_customer: "Units a customer, at most",
};
const WINDOWS = [["86400", "days"], ["3600", "hours"], ["60", "minutes"], ["1", "seconds"]];

/** Create a product; return it, or undefined if nobody wanted to. */
export async function create() {
  let made;
  await ask({
    title: "New product",
    wide: true,
    action: "Create",
    fields: (problem) => inputs({}, problem, html`${field({ name: "stock", label: "Opening stock", type: "number", min: 0, value: 0, required: true, problem, help: "So many can be bought from the start." })}`),
    send: async (values) => {
      const said = Object.entries(terms(values)).filter(([, value]) => value !== null && value !== "");
      made = (await change("POST", "/api/products", { ...Object.fromEntries(said), stock: asNumber(values.stock) })).body;
      return `${made.name} is created.`;
    },
  });
  return made;
}

/**
 * Edit a product, based on the version that is seen. If somebody else was quicker, nothing is written: both see
 * what the other one changed, and decide.
 */
export function edit(product) {
  const path = `/api/products/${product.id}`;
  let theirs = null;
  let mine = null;
  const stale = (problem) => theirs !== null && problem?.code === "stale_version";
  return ask({
    title: `Edit ${product.name}`,
    wide: true,
    action: (problem) => (stale(problem) ? "Keep mine" : "Save"),
    fields: (problem, close) => html`${stale(problem) ? comparison({ before: product, mine, theirs, close }) : nothing}
      <div ?hidden=${stale(problem)}>${inputs(product, problem)}</div>`,
    send: async (values) => {
      mine = terms(values);
      const changed = patch(product, mine);
      if (!Object.keys(changed).length) return "Nothing was changed.";
      try {
        const { body } = await change("PATCH", path, changed, { ifMatch: tag(theirs ?? product) });
        return `${body.name} is saved.`;
      } catch (problem) {
        if (problem.code === "stale_version") theirs = await get(path);
        throw problem;
      }
    },
  });
}

/** Return what If-Match says of the version that somebody has seen; sales meanwhile are no conflict. */
export function tag(product) {
  return `"${product.version}"`;
}

function inputs(product, problem, opening = nothing) {
  const limit = product.max_per_customer;
  const [size] = WINDOWS.find(([seconds]) => limit && limit.window_seconds % seconds === 0) ?? WINDOWS[0];
  const of = (name, more) => field({ name, label: LABELS[name], value: product[name] ?? "", problem, ...more });
  return html`<div class="fields">${of("name", { required: true, autofocus: true })} ${of("sku")}</div>
    <div class="fields">
      ${of("price", { required: true, inputmode: "decimal", help: "Such as 19.99." })}
      ${of("currency", { required: true, value: product.currency ?? "USD", help: "Three letters, such as EUR." })}
      ${opening}
    </div>
    ${of("description", { rows: 2 })}
    <div class="fields">
      ${of("tags", { value: text("tags", product.tags), help: "With commas between them." })}
      ${of("attributes", { value: text("attributes", product.attributes), rows: 2, help: "One a line, such as: size: 42" })}
    </div>
    <div class="fields">
      ${of("low_stock_threshold", { type: "number", min: 0, help: "With so many left it counts as low." })}
      ${of("oversell_limit", { type: "number", min: 0, help: "So many may be sold before they are there." })}
      ${of("max_per_order", { type: "number", min: 1 })}
    </div>
    <div class="fields">
      ${of("max_per_customer.quantity", { label: LABELS.max_per_customer, value: limit?.quantity, type: "number", min: 1 })}
      ${of("max_per_customer.window_seconds", { label: "Within", value: limit && limit.window_seconds / size, type: "number", min: 1 })}
      ${of("window", { label: "Unit of time", value: size, options: WINDOWS, required: true })}
    </div>`;
}

/** Return what was typed as the terms of a product; what was left empty is none. */
function terms(values) {
  const number = (name) => (values[name] === "" ? null : asNumber(values[name]));
  const [quantity, length] = [number("max_per_customer.quantity"), number("max_per_customer.window_seconds")];
  const window = typeof length === "number" ? length * Number(values.window) : length;
  return {
    name: values.name.trim(),
    sku: values.sku.trim() || null,
    price: values.price.trim(),
    currency: values.currency.trim().toUpperCase(),
    description: values.description,
    tags: values.tags.split(",").map((one) => one.trim()).filter(Boolean),
    attributes: attributes(values.attributes),
    low_stock_threshold: number("low_stock_threshold") ?? 0,
    oversell_limit: number("oversell_limit") ?? 0,
    max_per_order: number("max_per_order"),
    max_per_customer: quantity === null && window === null ? null : { quantity, window_seconds: window },
  };
}

/** Return the merge patch that makes `mine` of a product: only what differs. */
function patch(product, mine) {
  const changed = Object.keys(LABELS).filter((name) => !same(name, product, mine));
  return Object.fromEntries(changed.map((name) => [name, name === "attributes" ? { ...gone(product, mine), ...mine.attributes } : mine[name]]));
}

function gone(product, mine) {
  return Object.fromEntries(Object.keys(product.attributes).filter((name) => !(name in mine.attributes)).map((name) => [name, null]));
}

function same(name, one, other) {
  return text(name, one[name]) === text(name, other[name]);
}

/** Beside each other: what both made of each field of which they do not think alike. */
function comparison({ before, mine, theirs, close }) {
  const differing = Object.keys(LABELS).filter((name) => !same(name, mine, theirs));
  const columns = [
    { name: "Field", cell: (name) => LABELS[name] },
    { name: "Before", cell: (name) => shown(name, before) },
    { name: "Yours", cell: (name) => (same(name, before, mine) ? html`<span class="muted">as before</span>` : html`<strong>${shown(name, mine)}</strong>`) },
    { name: "Theirs", cell: (name) => (same(name, before, theirs) ? html`<span class="muted">as before</span>` : html`<strong>${shown(name, theirs)}</strong>`) },
  ];
  const take = () => {
    close();
    notify("Yours was dropped; the product is as the others left it.");
  };
  return html`<section class="conflict" tabindex="-1" aria-label="What was changed meanwhile">
    <p>Somebody saved this product while you edited it. Nothing was overwritten.</p>
    ${table({ label: "What differs", columns, rows: differing, empty: html`<p>They changed the same as you.</p>` })}
    <p class="muted">“Keep mine” saves what you changed over what they made of it; where only they changed something, theirs stays.</p>
    <p><button type="button" class="outline small" @click=${take}>Take theirs</button></p>
  </section>`;
}

function shown(name, product) {
  return text(name, product[name]) || NOTHING;
}

/** Return a value as it is typed, or as it is read where it has several fields. */
function text(name, value) {
  if (value == null) return "";
  if (name === "tags") return value.join(", ");
  if (name === "attributes") return Object.entries(value).map(([key, one]) => `${key}: ${written(one)}`).sort().join("\n");
  if (name === "max_per_customer") return perCustomer(value);
  return String(value);
}

/** 2 within 3 days */
export function perCustomer({ quantity, window_seconds: seconds }) {
  const [size, unit] = WINDOWS.find(([length]) => seconds % length === 0) ?? ["1", "seconds"];
  return `${quantity} within ${count(seconds / size)} ${unit}`;
}

// A text that would be read as something else is quoted.
function written(value) {
  return typeof value === "string" && read(value) === value && value.trim() === value && !value.includes("\n") ? value : JSON.stringify(value);
}

function attributes(lines) {
  const pairs = lines.split("\n").filter((line) => line.trim()).map((line) => line.split(/:(.*)/s));
  return Object.fromEntries(pairs.map(([name, value = ""]) => [name.trim(), read(value.trim())]));
}

function read(value) {
  try {
    const parsed = JSON.parse(value);
    return typeof parsed === "object" ? value : parsed;
  } catch {
    return value;
  }
}
