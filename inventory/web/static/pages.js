// The pages: their addresses, their names in the menu, and the scope of the key that opens them.

import { OverviewPage } from "./pages/overview.js";
import { RehearsalPage } from "./pages/rehearsal.js";
import { RehearsalsPage } from "./pages/rehearsals.js";
import { SalePage } from "./pages/sale.js";

export const PAGES = [
  { path: "", menu: "Overview", page: OverviewPage, scope: "stock:write" },
  { path: "sale/:id", page: SalePage, scope: "catalog:read" },
  { path: "rehearsals", menu: "Rehearsals", page: RehearsalsPage, scope: "admin" },
  { path: "rehearsals/:id", page: RehearsalPage, scope: "admin" },
];
