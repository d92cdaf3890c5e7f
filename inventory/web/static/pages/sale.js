// One product on a big screen while it sells: what is left, how fast it goes, and whether the books agree.

import { get } from "../api.js";
import "../chart.js";
import { ago, count, duration, money, rate } from "../format.js";
import { html, nothing } from "../html.js";
import { Page } from "../page.js";
import { Series } from "../series.js";
import { may } from "../session.js";

const POINTS_MAX = 600;
// The rate is that of these last seconds: long enough to be steady, short enough to be of now.
const RATE_SECONDS = 10;

export default class SalePage extends Page {
  title = "Sale";
  #shop = new Series();
  #times = [];
  #left = [];

  open() {
    const path = `/api/products/${encodeURIComponent(this.params.id)}`;
    this.product = this.load(async () => {
      const product = await get(path);
      this.title = product.name;
      return product;
    });
    this.stock = this.load(async () => this.#note(await get(`${path}/stock`)), { seconds: 1 });
    if (!may("stock:write")) return;
    this.books = this.load(async () => ({ ...(await get(`${path}/integrity`)), at: new Date().toISOString() }), { seconds: 5 });
    this.overview = this.load(async () => {
      const told = await get("/api/overview");
      this.#shop.add(told);
      return told;
    }, { seconds: 3 });
  }

  view() {
    const product = this.product.value;
    return html`<div class="heading">
        <h1>${product?.name ?? "A sale"} <small class="muted">${product ? money(product.price, product.currency) : nothing}</small></h1>
        <div class="buttons">
          <a role="button" class="outline secondary" href="#/products/${this.params.id}">To the product</a>
          <button type="button" class="outline" @click=${() => document.documentElement.requestFullscreen?.()}>Full screen</button>
        </div>
      </div>
      ${this.product.problem ? this.product.view(() => nothing) : nothing}
      <div class="now">${this.stock.view((stock) => this.#now(stock))}</div>
      ${this.books ? html`<div class="proof">${this.books.view((report) => verdict(report))}</div>` : nothing}
      <article>
        <h2>Units left</h2>
        <line-chart aria-label="Units left since this page was opened" .data=${{ times: this.#times, lines: [{ label: "left", values: this.#left, steps: true }] }}></line-chart>
      </article>`;
  }

  #now(stock) {
    const speed = this.#speed();
    const refused = this.#shop.latest?.refusals;
    return html`<dl class="big" aria-live="off">
      <div class="first"><dt>${stock.available > 0 ? "Units left" : stock.available < 0 ? "Sold out, and owed" : "Sold out"}</dt><dd id="units-left">${count(Math.abs(stock.available))}</dd></div>
      <div><dt>Units a second</dt><dd>${rate(speed)}</dd></div>
      <div><dt>Refusals a second</dt><dd>${rate(refused)}</dd><dd class="note">in the whole shop</dd></div>
      <div><dt>Held in checkouts</dt><dd>${count(stock.held)}</dd></div>
      <div><dt>Will be sold out</dt><dd class="words">${projected(stock.available, speed)}</dd></div>
    </dl>`;
  }

  #note(stock) {
    const time = Date.parse(stock.as_of) / 1_000;
    if (time > (this.#times.at(-1) ?? 0)) {
      this.#times.push(time);
      this.#left.push(stock.available);
    }
    if (this.#times.length > POINTS_MAX) [this.#times, this.#left] = [this.#times.slice(1), this.#left.slice(1)];
    return stock;
  }

  /** Units that went in the last seconds, a second; what came in meanwhile does not count against it. */
  #speed() {
    if (this.#times.length < 2) return null;
    const now = this.#times.at(-1);
    const first = Math.max(0, this.#times.findIndex((time) => time >= now - RATE_SECONDS) - 1);
    let gone = 0;
    for (let n = first + 1; n < this.#left.length; n += 1) gone += Math.max(0, this.#left[n - 1] - this.#left[n]);
    return gone / (now - this.#times[first]);
  }
}

/** Say whether everything that was ever stocked is accounted for. */
export function verdict(report) {
  const { units } = report;
  if (!report.complete) return html`<p class="verdict">The history is too long to be checked in one request; <code>inventory integrity</code> checks it.</p>`;
  const fits = report.ok && units && units.sold + units.available + units.held === units.stocked;
  const left = units?.available < 0 ? html`− ${count(-units.available)} owed` : html`+ ${count(units?.available)} left`;
  const sum = units && html`${count(units.sold)} sold ${left}${units.held ? html` + ${count(units.held)} held` : nothing}
    ${fits ? "=" : "≠"} ${count(units.stocked)} stocked`;
  return html`<p class="verdict ${fits ? "good" : "bad"}" role="status">
    <strong>${fits ? "✓ verified:" : "✗ the books differ:"}</strong> ${sum}
    <small>${fits ? html`of every movement, ${ago(report.at)}` : report.problems.map(({ detail }) => html`<br>${detail}`)}</small>
  </p>`;
}

function projected(left, speed) {
  if (left <= 0) return "it is";
  if (!speed) return "not in sight";
  const seconds = left / speed;
  return seconds < 86_400 ? `in ${seconds < 120 ? duration(seconds) : ago(Date.now() + 1_000 * seconds).replace(/^in /, "")}` : "not in sight";
}
