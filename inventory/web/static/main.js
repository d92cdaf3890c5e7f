// Begins: who is signed in, which page belongs to the address, and what is around it.

import { whenSignedOut } from "./api.js";
import { notify } from "./dialog.js";
import { html, nothing, render } from "./html.js";
import { may, resume, session, signOut } from "./session.js";
import { PAGES, load } from "./pages.js";

const top = document.getElementById("top");
const main = document.getElementById("page");
main.replaceChildren();
let page = null;
/** The place that was asked for last. */
let asked = null;

/** Take the address apart: `#/products/66f?sort=name` is of page `products/:id`. */
function place() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const names = path.split("/").filter(Boolean).map(decoded);
  for (const { path: pattern, file, scope } of PAGES) {
    const parts = pattern.split("/").filter(Boolean);
    const fits = parts.length === names.length && parts.every((part, n) => part.startsWith(":") || part === names[n]);
    if (!fits) continue;
    const params = Object.fromEntries(parts.flatMap((part, n) => (part.startsWith(":") ? [[part.slice(1), names[n]]] : [])));
    return { file, scope, params, query: Object.fromEntries(new URLSearchParams(query)) };
  }
  return null;
}

// What nobody could have encoded leads nowhere.
function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Return the first page of the menu that the key opens; whoever comes in without an address begins there. */
function first() {
  return PAGES.find(({ menu, scope }) => menu && may(scope)) ?? PAGES[0];
}

async function open() {
  page?.close();
  page = null;
  const begins = session() && location.hash.replace(/^#\/?/, "") === "";
  if (begins && first().path) return location.replace(`#/${first().path}`);
  const here = session() ? place() : { file: "sign-in", params: {}, query: {} };
  render(header(), top);
  asked = here;
  if (here === null || (here.scope && !may(here.scope))) return render(nowhere(here), main);
  let Kind;
  try {
    Kind = await load(here.file);
  } catch {
    return render(failed("This page did not come. The service may be away for a moment."), main);
  }
  // Somebody went on meanwhile.
  if (asked !== here) return undefined;
  // What was typed on the page before is not of this one, even if both are of the same kind.
  render(nothing, main);
  const made = new Kind(here, () => page === made && draw());
  page = made;
  page.open();
  return draw();
}

function draw() {
  document.title = `${page.title} · Inventory`;
  render(page.view(), main);
}

function nowhere(here) {
  document.title = "Inventory";
  return html`<article class="failed">
    <h1>${here ? "Your key does not open this page" : "There is no such page"}</h1>
    <p>${here ? html`It needs the scope <code>${here.scope}</code>.` : html`<a href="#/">To the overview</a>`}</p>
  </article>`;
}

function failed(why) {
  return html`<article class="failed">
    <div role="alert"><h1>The service does not answer</h1><p>${why}</p></div>
    <button type="button" @click=${() => location.reload()}>Try again</button>
  </article>`;
}

function header() {
  if (!session()) return nothing;
  const here = location.hash.replace(/^#\/?/, "").split(/[/?]/)[0];
  const shown = PAGES.filter(({ menu, scope }) => menu && (!scope || may(scope)));
  return html`<nav aria-label="Pages">
      <a class="brand" href="#/"><img src="assets/icon.svg" alt="" width="28" height="28"> Inventory</a>
      <ul>
        ${shown.map(({ path, menu }) => html`<li><a href="#/${path}" aria-current=${path === here ? "page" : nothing}>${menu}</a></li>`)}
      </ul>
    </nav>
    <div class="who">
      ${session().name ? html`<span title="The API key you are signed in with">${session().name}</span>` : nothing}
      <button type="button" class="outline secondary" aria-label="Switch between light and dark" @click=${switchTheme}>◐</button>
      ${session().authentication === "on"
        ? html`<button type="button" class="outline secondary" @click=${leave}>Sign out</button>`
        : html`<span class="tag" title="INVENTORY_AUTH is off: everybody on this machine may do everything">no keys needed</span>`}
    </div>`;
}

function switchTheme() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = next;
  localStorage.setItem("theme", next);
  dispatchEvent(new Event("theme"));
}

async function leave() {
  await signOut();
  open();
  notify("You are signed out.");
}

addEventListener("hashchange", () => {
  open();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
addEventListener("signed-in", open);
// What looks like a button can be pressed like one.
addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches("a[role=button]")) return;
  event.preventDefault();
  event.target.click();
});
whenSignedOut(async () => {
  if (!session()) return;
  await signOut().catch(() => {});
  open();
  notify("Your session has ended. Please sign in again.", "refused");
});

try {
  await resume();
  await open();
} catch (problem) {
  render(failed(problem.message), main);
}
