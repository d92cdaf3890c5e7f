// Lists with filters and pages, whose whole state is the address: it can be kept, sent and gone back to.

import { search } from "./api.js";
import { html, nothing } from "./html.js";

/** Go to a page of the dashboard; filters that are empty are left out, and the list begins anew. */
export function go(path, query = {}) {
  location.hash = `#/${path}${search(query)}`;
}

/** A form of filters (what `field` returns) over a list; it goes to `path` with what `read` makes of the choice. */
export function filters(path, controls, read = (chosen) => chosen) {
  const submit = (event) => {
    event.preventDefault();
    go(path, read(Object.fromEntries(new FormData(event.target.closest("form")))));
  };
  const chosen = (event) => event.target.matches("select, [type=checkbox]") && submit(event);
  // Not as a role of the form, to which Pico gives other looks.
  return html`<search><form class="filters" @submit=${submit} @change=${chosen}>
    ${controls}
    <div class="buttons">
      <button type="submit">Search</button>
      <a role="button" class="outline secondary" href="#/${path}">Clear</a>
    </div>
  </form></search>`;
}

/** A form that opens one thing of a list by its id. */
export function opener(path, label) {
  const submit = (event) => {
    event.preventDefault();
    const id = event.target.elements.id.value.trim();
    if (id) go(`${path}/${encodeURIComponent(id)}`);
  };
  return html`<form class="opener" @submit=${submit}>
    <label for="open-id">${label}</label>
    <input id="open-id" name="id" autocomplete="off" spellcheck="false">
    <button type="submit" class="secondary">Open</button>
  </form>`;
}

/**
 * A table; `columns` are `{ name, cell(row), number, wide }`, `empty` is what to show instead if there is nothing.
 * On a narrow screen each row becomes a card whose cells bear the names of their columns.
 */
export function table({ label, columns, rows, empty }) {
  if (!rows.length) return html`<div class="empty">${empty}</div>`;
  return html`<div class="table" role="region" aria-label=${label} tabindex="0">
    <table>
      <thead>
        <tr>${columns.map(({ name, number }) => html`<th scope="col" class=${number ? "number" : ""}>${name}</th>`)}</tr>
      </thead>
      <tbody>
        ${rows.map((row) => html`<tr>
          ${columns.map(({ name, cell, number }) => html`<td data-name=${name} class=${number ? "number" : ""}><div>${cell(row)}</div></td>`)}
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** Links to the next page, as far as there is one, and back to the first. */
export function pager(path, query, next) {
  if (!query.cursor && !next) return nothing;
  const { cursor, ...others } = query;
  return html`<nav class="pager" aria-label="Pages of the list">
    ${cursor ? html`<a role="button" class="outline secondary" href="#/${path}${search(others)}">First page</a>` : nothing}
    ${next ? html`<a role="button" class="outline" href="#/${path}${search({ ...others, cursor: next })}">Next page</a>` : html`<span>That is all.</span>`}
  </nav>`;
}
