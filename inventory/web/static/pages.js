// The pages: their addresses, their names in the menu, and the scope of the key that opens them.

import { OverviewPage } from "./pages/overview.js";

export const PAGES = [
  { path: "", menu: "Overview", page: OverviewPage, scope: "stock:write" },
];
