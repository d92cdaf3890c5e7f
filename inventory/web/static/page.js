// What every page has: it is made when its address is opened, and closed when that is left.

import { html } from "./html.js";

/** `place` is `{ params, query }` of the address; `redraw` draws the page again. */
export class Page {
  title = "";
  #resources = [];
  #ticking;

  constructor(place, redraw) {
    this.params = place.params;
    this.query = place.query;
    this.redraw = redraw;
  }

  /** Begin to load what is to be seen. */
  open() {}

  /** Return what is to be seen now. */
  view() {
    return html``;
  }

  /** Draw the page every second: something on it counts down. */
  tick() {
    this.#ticking = setInterval(this.redraw, 1_000);
  }

  /** Stop everything that goes on by itself. */
  close() {
    clearInterval(this.#ticking);
    for (const resource of this.#resources) resource.stop();
  }

  /** Load something for this page; every `seconds` once more, if given. */
  load(read, { seconds } = {}) {
    const resource = new Resource(read, this.redraw);
    this.#resources.push(resource);
    resource.start(seconds);
    return resource;
  }
}

/** Something that is read from the service: not there yet, there, or refused; and read again. */
export class Resource {
  value;
  problem;
  #read;
  #changed;
  #timer;
  #stopped = false;
  #reading = null;

  constructor(read, changed) {
    this.#read = read;
    this.#changed = changed;
  }

  /** Read it now, and every so many seconds while somebody looks. */
  start(seconds) {
    const again = async () => {
      if (!document.hidden) await this.reload();
      // Who is refused comes later.
      if (!this.#stopped && seconds) this.#timer = setTimeout(again, 1_000 * seconds * (this.problem ? 3 : 1));
    };
    again();
  }

  /** Read it anew; what was there stays until then. Two at once are one after the other. */
  async reload() {
    await this.#reading;
    this.#reading = this.#readOnce();
    await this.#reading;
  }

  /** Do not read any more. */
  stop() {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #readOnce() {
    try {
      const value = await this.#read(this.value);
      if (this.#stopped) return;
      this.value = value;
      this.problem = undefined;
    } catch (problem) {
      this.problem = problem;
    }
    if (!this.#stopped) this.#changed();
  }

  /** Return what `ready` makes of the value, or what is seen `meanwhile`, or why it cannot be shown. */
  view(ready, meanwhile = html`<p aria-busy="true">Loading …</p>`) {
    if (this.value !== undefined) {
      return html`${this.problem ? html`<p class="stale" role="alert">Not up to date: ${this.problem.message}</p>` : ""}
        ${ready(this.value)}`;
    }
    if (this.problem === undefined) return meanwhile;
    return html`<article class="failed">
      <div role="alert">
        <h2>${this.problem.status === 404 ? "There is no such thing" : "This cannot be shown"}</h2>
        <p>${this.problem.message}</p>
      </div>
      <button type="button" class="secondary" @click=${() => this.reload()}>Try again</button>
    </article>`;
  }
}
