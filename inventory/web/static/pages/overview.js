// The shop at a glance: what sells, what is refused, how fast, and whether all that it stands on is well.

import { get } from "../api.js";
import "../chart.js";
import { tile } from "../figures.js";
import { compact, count, duration, percent, rate, words } from "../format.js";
import { html, nothing } from "../html.js";
import { Page } from "../page.js";
import { Series, refused } from "../series.js";
import { may } from "../session.js";

const SECONDS = 3;

export default class OverviewPage extends Page {
  title = "Overview";
  #series = new Series();

  open() {
    this.now = this.load(async () => {
      const told = await get("/api/overview");
      this.#series.add(told);
      return told;
    }, { seconds: SECONDS });
  }

  view() {
    return html`<div class="heading">
        <h1>Overview</h1>
        ${may("admin") ? html`<a role="button" class="outline" href="#/rehearsals">Rehearse a flash sale</a>` : nothing}
      </div>
      ${this.now.view((told) => this.#all(told))}`;
  }

  #all(told) {
    const latest = this.#series.latest;
    const { stock, holds, stores, webhooks } = told;
    const stocked = stock && stock.units_available + stock.units_held + told.totals.units_sold;
    return html`${stores.mongodb === "ok" ? nothing : html`<p class="refused" role="alert">MongoDB does not answer: nothing is sold until it does. What only it knows is left out below.</p>`}
      ${stores.redis === "degraded" ? html`<p class="stale" role="alert">Redis does not answer: all goes on, but every read asks MongoDB.</p>` : nothing}
      <dl class="tiles">
        ${tile("Purchases a second", rate(latest?.purchases), `${compact(told.totals.purchases)} since the start`)}
        ${tile("Refusals a second", rate(latest?.refusals), mostly(refused(told)))}
        ${tile("Units sold", compact(told.totals.units_sold), `${rate(latest?.units)} a second`)}
        ${tile("Sell-through", stocked ? percent(told.totals.units_sold / stocked) : "–", "of all units since the start")}
        ${tile("Latency, median", duration(latest?.p50), `99 %: ${duration(latest?.p99)}`)}
        ${tile("Cache hits", percent(latest?.hits), "of reads, lately")}
        ${tile("Open holds", count(holds?.open), holds?.overdue ? `${count(holds.overdue)} overdue` : "none overdue")}
        ${tile("Low", html`<a href="#/products?low_stock=true">${count(stock?.low)}</a>`, "at their threshold or below")}
        ${tile("Sold out", html`<a href="#/products?in_stock=false">${count(stock?.empty)}</a>`, `of ${count(stock?.products)} products`)}
      </dl>
      <div class="charts">
        ${this.#chart("Purchases and refusals a second", ["purchases", "refusals"])}
        ${this.#chart("Latency of a purchase, in milliseconds", ["p50 ms", "p99 ms"])}
      </div>
      <article>
        <h2>What it stands on</h2>
        <dl class="facts">
          <dt>MongoDB</dt><dd>${state(stores.mongodb)}</dd>
          <dt>Redis</dt><dd>${state(stores.redis)}</dd>
          <dt>Workers</dt><dd>${count(told.workers)} of instance <code>${told.instance}</code>${this.#series.instances > 1 ? html`, one of ${this.#series.instances} that answer here` : nothing}</dd>
          <dt>Requests</dt><dd>${count(told.totals.requests)}, ${count(told.totals.turned_away)} turned away, ${count(told.totals.server_errors)} failed</dd>
          ${webhooks ? html`<dt>Webhooks</dt><dd>${count(webhooks.active)} active, ${count(webhooks.paused)} paused, oldest waiting ${duration(webhooks.oldest_waiting_seconds)}</dd>` : nothing}
        </dl>
      </article>`;
  }

  #chart(title, names) {
    const { times } = this.#series;
    const lines = names.map((name) => ({ label: name, values: this.#series.of(name) }));
    const latest = lines.map(({ label, values }) => `${label} ${rate(values.at(-1))}`).join(", ");
    return html`<article>
      <h2>${title}</h2>
      <line-chart aria-label="${title}, of the last minutes; now ${latest}" .data=${{ times, lines }}></line-chart>
    </article>`;
  }
}

function state(name) {
  const kinds = { ok: "good", off: "", degraded: "warn", unavailable: "bad" };
  return html`<span class="tag ${kinds[name] ?? "bad"}">${name}</span>`;
}

function mostly(refusals) {
  const [[reason, times]] = Object.entries(refusals).sort(([, one], [, other]) => other - one);
  return times ? `mostly ${words(reason)}` : "none since the start";
}
