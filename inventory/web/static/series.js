// What counters that only grow tell over time: rates, shares and quantiles of what lies between two readings.

const POINTS_MAX = 300;
// What a shopper is told who cannot have it; other refusals are of requests that were wrong.
const OF_SALES = ["insufficient_stock", "purchase_limit_exceeded", "stock_limit_exceeded", "overloaded"];

/** The last readings of an overview, of every instance that answered. */
export class Series {
  times = [];
  #values = new Map();
  #before = new Map();
  #rates = new Map();

  /** How many instances have answered. */
  get instances() {
    return this.#before.size;
  }

  /** The newest values by name; undefined before the second reading. */
  get latest() {
    if (!this.times.length) return undefined;
    return Object.fromEntries([...this.#values].map(([name, values]) => [name, values.at(-1)]));
  }

  /** Return the values of a name, one for each of `times`. */
  of(name) {
    return this.#values.get(name) ?? [];
  }

  /** Add a reading: what an instance has counted since it began. */
  add(told) {
    const before = this.#before.get(told.instance);
    this.#before.set(told.instance, told);
    if (before === undefined) return;
    const rates = between(before, told);
    // Not counted on since it began anew, or nothing new.
    if (rates === null) return;
    this.#rates.set(told.instance, rates);
    this.#push(Date.parse(told.at) / 1_000, together([...this.#rates.values()]));
  }

  #push(time, point) {
    this.times.push(time);
    for (const [name, value] of Object.entries(point)) {
      const values = this.#values.get(name) ?? [];
      values.push(value);
      if (values.length > POINTS_MAX) values.shift();
      this.#values.set(name, values);
    }
    if (this.times.length > POINTS_MAX) this.times.shift();
  }
}

function between(before, now) {
  const seconds = (Date.parse(now.at) - Date.parse(before.at)) / 1_000;
  if (seconds <= 0 || now.totals.requests < before.totals.requests) return null;
  const grown = (name) => now.totals[name] - before.totals[name];
  const refusals = sum(Object.values(refused(now))) - sum(Object.values(refused(before)));
  return {
    purchases: grown("purchases") / seconds,
    refusals: refusals / seconds,
    units: grown("units_sold") / seconds,
    hits: grown("cache_hits") / seconds,
    misses: grown("cache_misses") / seconds,
    bounds: now.purchase_seconds.bounds,
    counts: now.purchase_seconds.counts.map((number, n) => number - before.purchase_seconds.counts[n]),
  };
}

function together(rates) {
  const total = (name) => sum(rates.map((one) => one[name]));
  const [{ bounds }] = rates;
  const counts = rates[0].counts.map((_, n) => sum(rates.map((one) => one.counts[n])));
  const asked = total("hits") + total("misses");
  const [p50, p99] = [quantile(bounds, counts, 0.5), quantile(bounds, counts, 0.99)];
  return {
    purchases: total("purchases"),
    refusals: total("refusals"),
    units: total("units"),
    hits: asked ? total("hits") / asked : null,
    p50,
    p99,
    "p50 ms": p50 === null ? null : 1_000 * p50,
    "p99 ms": p99 === null ? null : 1_000 * p99,
  };
}

/** Return how often whoever wanted to buy was refused, by the reason. */
export function refused({ totals }) {
  return Object.fromEntries(OF_SALES.map((code) => [code, totals.refusals[code] ?? 0]));
}

/** Return the value that a share of all lies below, as Prometheus estimates it; null of nothing. */
export function quantile(bounds, counts, share) {
  const all = sum(counts);
  if (!all) return null;
  let wanted = share * all;
  for (const [n, number] of counts.entries()) {
    if (number > 0 && wanted <= number) {
      const from = n === 0 ? 0 : bounds[n - 1];
      // What is above all bounds is known to be no less than the highest.
      return n < bounds.length ? from + ((bounds[n] - from) * wanted) / number : from;
    }
    wanted -= number;
  }
  return bounds.at(-1);
}

function sum(numbers) {
  return numbers.reduce((one, other) => one + other, 0);
}
