// One rehearsal, watched while it runs, with its verdict in the end.

import { get } from "../api.js";
import "../chart.js";
import { count, duration, moment, rate } from "../format.js";
import { html, nothing } from "../html.js";
import { Page } from "../page.js";

export default class RehearsalPage extends Page {
  title = "Rehearsal";
  #times = [];
  #left = [];

  open() {
    const read = async (before) => {
      if (before && before.state !== "running") return before;
      return this.#note(await get(`/api/rehearsals/${encodeURIComponent(this.params.id)}`));
    };
    this.rehearsal = this.load(read, { seconds: 0.5 });
  }

  view() {
    return html`<div class="heading">
        <h1>Rehearsal of a flash sale</h1>
        <a role="button" class="outline secondary" href="#/rehearsals">All rehearsals</a>
      </div>
      ${this.rehearsal.view((one) => this.#all(one))}`;
  }

  #all(one) {
    const { figures } = one;
    return html`<dl class="big">
        <div class="first"><dt>Units left of ${count(one.stock)}</dt><dd>${count(one.stock - figures.units_sold)}</dd></div>
        <div><dt>Buyers</dt><dd>${count(one.buyers)}</dd></div>
        <div><dt>Sold to</dt><dd>${count(figures.sold)}</dd></div>
        <div><dt>Refused</dt><dd>${count(figures.refused)}</dd></div>
        <div><dt>Sent again</dt><dd>${count(figures.repeated)}</dd></div>
        <div><dt>Purchases a second</dt><dd>${rate(figures.purchases_per_second)}</dd></div>
        <div><dt>Median, 99 %</dt><dd class="words">${milliseconds(figures.p50_ms)}, ${milliseconds(figures.p99_ms)}</dd></div>
      </dl>
      ${one.verdict ? verdict(one.verdict) : html`<p class="verdict" role="status" aria-busy=${one.state === "running"}>${UNDECIDED[one.state]}</p>`}
      ${this.#times.length > 2 ? html`<article><h2>Units left</h2>
          <line-chart aria-label="Units left while it ran" .data=${{ times: this.#times, lines: [{ label: "left", values: this.#left, steps: true }] }}></line-chart></article>` : nothing}
      <article>
        <h2>What it was</h2>
        <dl class="facts">
          <dt>State</dt><dd>${stateOf(one)}</dd>
          <dt>Begun</dt><dd>${moment(one.started_at)}</dd>
          <dt>Ended</dt><dd>${moment(one.ended_at)}, after ${duration(figures.seconds)}</dd>
          <dt>Orders</dt><dd>${count(figures.orders)} of 1 to ${count(one.quantity_max)} units; ${count(figures.unavailable)} tries were answered that nothing can be bought for the moment</dd>
          <dt>Product</dt><dd><code>${one.product_id}</code></dd>
        </dl>
      </article>`;
  }

  #note(one) {
    if (one.state === "running") {
      this.#times.push(Date.now() / 1_000);
      this.#left.push(one.stock - one.figures.units_sold);
    }
    return one;
  }
}

const UNDECIDED = {
  running: "The sale goes on; the verdict comes in the end.",
  abandoned: "The process that ran it ended before it did. There is no verdict; begin another one.",
};

/** How far a rehearsal is, and what came of it. */
export function stateOf(one) {
  if (one.state !== "done") return html`<span class="tag warn">${one.state}</span>`;
  return one.verdict?.ok ? html`<span class="tag good">all is right</span>` : html`<span class="tag bad">something is wrong</span>`;
}

function verdict({ ok, sold, left, stocked, checks }) {
  return html`<p class="verdict ${ok ? "good" : "bad"}" role="status">
      <strong>${ok ? "✓ verified:" : "✗ something is wrong:"}</strong> ${count(sold)} sold + ${count(left)} left ${sold + left === stocked ? "=" : "≠"} ${count(stocked)} stocked
    </p>
    <article>
      <h2>What was verified</h2>
      <ul class="checks">
        ${checks.map((check) => html`<li><span class="tag ${check.ok ? "good" : "bad"}">${check.ok ? "✓ right" : "✗ wrong"}</span> ${check.detail || check.name}</li>`)}
      </ul>
    </article>`;
}

function milliseconds(number) {
  return duration(number == null ? null : number / 1_000);
}
