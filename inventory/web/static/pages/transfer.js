// Many products at once: the whole catalogue as a file, and a file tried out before it is imported.

import { change } from "../api.js";
import { tile } from "../figures.js";
import { count, words } from "../format.js";
import { html, nothing } from "../html.js";
import { table } from "../listing.js";
import { Page } from "../page.js";
import { may } from "../session.js";

const TYPES = { csv: "text/csv", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson", json: "application/json" };
// What one request may have; a larger file goes through the command line.
const BYTES_MAX = 16 * 1024 * 1024;
const SHOWN_MAX = 100;
const POLICIES = [["reject_all", "All rows or none: while one of them fails, nothing is imported"], ["reject_failed", "Leave out the rows that fail, import the others"]];

export default class TransferPage extends Page {
  title = "Import and export";
  #file = null;
  #policy = "reject_all";
  #tried = null;
  #done = null;
  #problem = null;
  #busy = "";
  #link = null;

  close() {
    super.close();
    this.#forget();
  }

  view() {
    return html`<h1>Import and export</h1>
      <article>
        <h2>Export</h2>
        <p>All products with their stock; what comes back unchanged changes nothing.</p>
        <div class="buttons">
          <a role="button" class="outline" href="/api/products/export?format=csv" download="products.csv">CSV, for a spreadsheet</a>
          <a role="button" class="outline" href="/api/products/export?format=ndjson" download="products.ndjson">NDJSON, for a program</a>
        </div>
      </article>
      ${may("catalog:write") ? this.#import() : nothing}`;
  }

  #import() {
    return html`<article>
      <h2>Import</h2>
      <p>A row names a product by its <code>sku</code>: what there is not yet is created, what there is gets what the row says.
        Nothing is written before you have seen what would become of it.</p>
      <div class="field"><label for="file">File</label>
      <input type="file" id="file" aria-describedby="file-note" accept=".csv,.ndjson,.jsonl,.json" ?disabled=${this.#busy !== ""} @change=${(event) => this.#choose(event.target)}>
      <small id="file-note">CSV, NDJSON or JSON; at most 25,000 rows and 16 MiB.</small></div>
      <p role="status" aria-busy=${this.#busy ? "true" : nothing}>${this.#busy}</p>
      ${this.#problem ? html`<p class="refused" role="alert">${this.#problem.message}</p>` : nothing}
      ${this.#done ? this.#outcome(this.#done) : this.#tried ? this.#preview(this.#tried) : nothing}
    </article>`;
  }

  #preview(tried) {
    const importable = this.#importable(tried);
    return html`<h3>What would become of ${this.#file.name}</h3>
      ${counts(tried)} ${this.#failures(tried)}
      ${tried.failed ? html`<fieldset>
        <legend>What is to be done about the rows that fail?</legend>
        ${POLICIES.map(([policy, said]) => html`<label><input type="radio" name="policy" value=${policy} .checked=${this.#policy === policy} @change=${() => this.#decide(policy)}> ${said}</label>`)}
      </fieldset>` : nothing}
      <div class="buttons">
        <button type="button" ?disabled=${this.#busy !== "" || !importable} @click=${() => this.#carryOut()}>Import ${count(importable)} ${importable === 1 ? "row" : "rows"}</button>
        ${importable || !tried.failed ? nothing : html`<span class="muted">Correct the file and choose it again, or leave out what fails.</span>`}
      </div>`;
  }

  #outcome(done) {
    return html`<h3>${done.failed || done.rejected ? "Imported in part" : "Imported"}</h3>
      ${counts(done)} ${this.#failures(done)}
      <div class="buttons"><a role="button" class="outline" href="#/products">To the products</a></div>`;
  }

  #failures(told) {
    const failed = told.results.filter(({ outcome }) => outcome === "failed");
    if (!failed.length) return nothing;
    const columns = [
      { name: "Row", number: true, cell: (one) => count(one.row) },
      { name: "SKU", cell: (one) => (one.sku ? html`<code>${one.sku}</code>` : nothing) },
      { name: "Field", cell: (one) => fields(one).map(([name]) => html`${name}<br>`) },
      { name: "What is wrong", cell: (one) => fields(one).map(([, said]) => html`${said}<br>`) },
    ];
    return html`${table({ label: "Rows that fail", columns, rows: failed.slice(0, SHOWN_MAX) })}
      <p>${failed.length > SHOWN_MAX ? `The first ${SHOWN_MAX} of ${count(failed.length)}. ` : nothing}<a href=${this.#link ?? nothing} download="failed-rows.csv">Download what is wrong as CSV</a></p>`;
  }

  #importable(tried) {
    return tried.failed && this.#policy === "reject_all" ? 0 : tried.rows - tried.failed;
  }

  #decide(policy) {
    this.#policy = policy;
    this.redraw();
  }

  async #choose({ files: [file] }) {
    if (!file) return;
    [this.#file, this.#tried, this.#done, this.#policy] = [null, null, null, "reject_all"];
    await this.#work("Trying it out: nothing is written yet …", async () => {
      this.#file = await taken(file);
      this.#tried = this.#kept(await this.#send({ dry_run: "true", on_error: "reject_failed" }));
    });
  }

  async #carryOut() {
    await this.#work("Importing …", async () => {
      this.#done = this.#kept(await this.#send({ on_error: this.#policy }));
    });
  }

  /** Send the file; where one request does not come to the end of it, the next one goes on. */
  async #send(query) {
    const waiting = ({ told }) => {
      if (told.rows_done == null) return;
      this.#busy = `${count(told.rows_done)} rows are done, and it goes on …`;
      this.redraw();
    };
    const { type, content } = this.#file;
    return (await change("POST", `/api/products/bulk?${new URLSearchParams(query)}`, content, { type, waiting })).body;
  }

  async #work(said, action) {
    [this.#busy, this.#problem] = [said, null];
    this.redraw();
    try {
      await action();
    } catch (problem) {
      this.#problem = problem;
    }
    this.#busy = "";
    this.redraw();
  }

  /** Make a file of what fails. */
  #kept(told) {
    this.#forget();
    const failed = told.results.filter(({ outcome }) => outcome === "failed");
    const rows = failed.flatMap((one) => fields(one).map(([name, said]) => [one.row, one.sku, one.code, name, said]));
    const table = [["row", "sku", "code", "field", "problem"], ...rows].map((cells) => cells.map(cell).join(",")).join("\r\n");
    this.#link = URL.createObjectURL(new Blob([table, "\r\n"], { type: "text/csv" }));
    return told;
  }

  #forget() {
    if (this.#link) URL.revokeObjectURL(this.#link);
    this.#link = null;
  }
}

/** Read a file once, so that what is imported is what was tried out, whatever becomes of it meanwhile. */
async function taken(file) {
  const type = TYPES[file.name.split(".").pop().toLowerCase()];
  if (!type) throw new Error("This is no CSV, NDJSON or JSON by its name.");
  if (file.size > BYTES_MAX) throw new Error("This file has more than 16 MiB. Divide it, or use the command line: inventory import.");
  return { name: file.name, type, content: await file.arrayBuffer() };
}

function counts(told) {
  const shown = ["created", "updated", "unchanged", "failed"].concat(told.rejected ? ["rejected"] : []);
  return html`<dl class="tiles">${shown.map((name) => tile(words(name), count(told[name]), name === "rejected" ? "right, but others were not" : nothing))}</dl>`;
}

/** What is wrong with a row, as pairs of field and sentence. */
function fields({ errors, detail, code }) {
  const named = Object.entries(errors ?? {}).map(([name, said]) => [name, said.join(" ")]);
  return named.length ? named : [["", detail ?? words(code)]];
}

// A spreadsheet must not execute what somebody wrote into a file.
function cell(value) {
  const text = String(value ?? "");
  return `"${(/^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
}
