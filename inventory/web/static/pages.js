// The pages: their addresses, their names in the menu, and the scope of the key that opens them.
//
// Each is loaded when it is first opened. `pages/NAME.js` exports its class as `default`.

export const PAGES = [
  { path: "", menu: "Overview", file: "overview", scope: "stock:write" },
  { path: "products", menu: "Products", file: "products", scope: "catalog:read" },
  { path: "products/:id", file: "product", scope: "catalog:read" },
  { path: "stocktake", file: "stocktake", scope: "stock:write" },
  { path: "transfer", menu: "Import, export", file: "transfer", scope: "catalog:read" },
  { path: "sale/:id", file: "sale", scope: "catalog:read" },
  { path: "purchases", menu: "Purchases", file: "purchases", scope: "stock:write" },
  { path: "purchases/:id", file: "purchase", scope: "stock:purchase" },
  { path: "reservations", menu: "Reservations", file: "reservations", scope: "stock:purchase" },
  { path: "reservations/:id", file: "reservation", scope: "stock:purchase" },
  { path: "rehearsals", menu: "Rehearsals", file: "rehearsals", scope: "admin" },
  { path: "rehearsals/:id", file: "rehearsal", scope: "admin" },
  { path: "webhooks", menu: "Webhooks", file: "webhooks", scope: "admin" },
  { path: "webhooks/:id", file: "webhook", scope: "admin" },
  { path: "webhooks/:id/deliveries/:delivery", file: "delivery", scope: "admin" },
  { path: "keys", menu: "Keys", file: "keys", scope: "admin" },
];

/** Return the class of a page. */
export async function load(file) {
  return (await import(`./pages/${file}.js`)).default;
}
