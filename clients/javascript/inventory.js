/**
 * Buying from a page, or from Node: one click buys once, whatever the network does meanwhile.
 *
 *     const shop = new Shop("https://stock.example", "inv_pk_...");
 *     const outcome = await shop.buy({ product_id, quantity: 1 });
 *     // outcome.state: "done" with `result`, "refused" with `problem` and `message`, or "unknown"
 *
 * Each click has an idempotency key. It is kept in the tab's session storage until there is an
 * answer for good, so that a click after a reload, or after "unknown", asks what became of the
 * first one instead of buying again. No dependencies; browsers, and Node 20 or newer.
 */

/**
 * @typedef {Record<string, any> & {code: string, status: number, detail: string}} Problem
 * A problem document of the service; `no_answer` is the code if there was no answer at all.
 *
 * @typedef {{product_id?: string, sku?: string, quantity: number}} Line
 * @typedef {{customer_id?: string, reference?: string}} Whose
 * @typedef {({product_id: string, quantity: number} | {lines: Line[]}) & Whose} Wanted
 * @typedef {{lines: Line[], ttl_seconds: number} & Whose} Held
 *
 * @typedef {object} Outcome
 * @property {"done" | "refused" | "unknown"} state
 *   "unknown": nobody could say in time whether it happened. `again()`, or the same click, asks.
 * @property {any} [result] the purchase or the reservation, if it is done
 * @property {Problem} [problem] why not, as the service says it
 * @property {string} message what to tell the shopper; empty if it is done
 * @property {boolean} resumed whether this became of an earlier click that had no answer yet
 * @property {string} key the idempotency key
 * @property {() => Promise<Outcome>} again asks once more, with the same key
 *
 * @typedef {object} Options
 * @property {number} [deadlineMs] how long a click may take in all; 30 s
 * @property {number} [attemptMs] how long one attempt may take; 5 s
 * @property {number} [waitMsMax] a service that wants a longer pause is not waited for; 5 s
 * @property {number} [backoffMs] the pause after the first attempt, at most; it doubles; 0.2 s
 * @property {Pick<Storage, "getItem" | "setItem" | "removeItem"> | null} [storage]
 *   where keys of clicks are kept; a page's sessionStorage, and nowhere in Node
 * @property {(waiting: {problem: Problem, seconds: number}) => void} [onWait]
 *   called before each pause, to say that it goes on
 * @property {Explaining} [explaining] how refusals are put into words
 *
 * @typedef {object} Calling
 * @property {string} [slot] what clicks share a key until it is answered; the product, or "cart"
 * @property {string} [key] a key of the caller's own, such as an order's number; nothing is kept
 *
 * @typedef {object} Explaining
 * @property {(productId: string) => string} [name] what a product is called
 * @property {string} [locale]
 * @property {Partial<Record<string, Message>>} [messages] words of the shop's own, by code
 *
 * @typedef {(problem: Problem, say: Saying) => string} Message
 * @typedef {{name: (productId: string) => string, time: (moment: string) => string}} Saying
 * @typedef {{key: string, path: string, body: string, at: number, sent: boolean}} Entry
 */

const PREFIX = "inventory:";
// The service answers a repeated key for at least a day; later it would buy anew.
const KEEP_MS = 23 * 3_600_000;
const BACKOFF_MS_MAX = 3_000;
// With these it is certain that the attempt changed nothing.
const UNCHANGED = new Set(["storage_unavailable", "overloaded", "database_not_ready"]);

/** A client of the service at `url`; `key` is publishable in a page, null where none is needed. */
export class Shop {
  #url;
  #key;
  #options;
  /** @type {Map<string, Promise<Outcome>>} */
  #running = new Map();

  /**
   * @param {string} url
   * @param {string | null} [key]
   * @param {Options} [options]
   */
  constructor(url, key = null, options = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#key = key;
    this.#options = {
      deadlineMs: 30_000,
      attemptMs: 5_000,
      waitMsMax: 5_000,
      backoffMs: 200,
      storage: pageStorage(),
      onWait: () => {},
      explaining: {},
      ...options,
    };
  }

  /**
   * Read a page of products, such as `products({ q: "runner", in_stock: true, limit: 20 })`.
   * @param {Record<string, string | number | boolean>} [query]
   */
  async products(query = {}) {
    const words = Object.entries(query).map(([name, value]) => [name, String(value)]);
    const asked = new URLSearchParams(words).toString();
    return this.#read(`/api/products${asked && `?${asked}`}`);
  }

  /**
   * Read one product.
   * @param {string} productId
   */
  async product(productId) {
    return this.#read(`/api/products/${encodeURIComponent(productId)}`);
  }

  /**
   * Buy units of one product, or all lines of a cart, once a click.
   *
   * If an earlier click of the same slot has no answer yet, that one is asked about first; this one
   * is sent only if the earlier one was refused.
   * @param {Wanted} wanted
   * @param {Calling} [calling]
   */
  async buy(wanted, calling = {}) {
    if ("lines" in wanted) return this.#click("cart", "/api/purchases", wanted, calling);
    const { product_id: productId, ...body } = wanted;
    const path = `/api/products/${encodeURIComponent(productId)}/purchase`;
    return this.#click(`product:${productId}`, path, body, calling);
  }

  /**
   * Set units aside during a checkout.
   * @param {Held} wanted
   * @param {Calling} [calling]
   */
  async hold(wanted, calling = {}) {
    return this.#click("hold", "/api/reservations", wanted, calling);
  }

  /**
   * Buy what is held, or some of it. Needs a secret key, so it is for the shop's server.
   * @param {string} reservationId
   * @param {Line[]} [lines]
   * @param {Calling} [calling]
   */
  async commit(reservationId, lines, calling = {}) {
    const path = `/api/reservations/${encodeURIComponent(reservationId)}/commit`;
    return this.#click(`commit:${reservationId}`, path, lines ? { lines } : {}, calling);
  }

  /**
   * Put what is held on sale again. Needs a secret key, so it is for the shop's server.
   * @param {string} reservationId
   * @param {Calling} [calling]
   */
  async release(reservationId, calling = {}) {
    const path = `/api/reservations/${encodeURIComponent(reservationId)}/release`;
    return this.#click(`release:${reservationId}`, path, {}, calling);
  }

  /**
   * Ask what became of a click that had no answer when the page was left; null if there is none.
   * @param {string} slot `product:` and the product's id, "cart", "hold", or one of the page's own
   */
  async resume(slot) {
    if (!this.#recall(slot)) return null;
    return this.#alone(slot, () => this.#resume(slot));
  }

  /**
   * @param {string} usual
   * @param {string} path
   * @param {object} wanted
   * @param {Calling} calling
   * @returns {Promise<Outcome>}
   */
  async #click(usual, path, wanted, calling) {
    const body = JSON.stringify(wanted);
    if (calling.key !== undefined || this.#options.storage === null) {
      return this.#ask(null, fresh(path, body, calling.key), false);
    }
    const slot = calling.slot ?? usual;
    return this.#alone(slot, async () => {
      const before = this.#recall(slot);
      if (before) {
        const outcome = await this.#resume(slot);
        const same = before.path === path && before.body === body;
        if (outcome && (same || outcome.state !== "refused")) return outcome;
      }
      const entry = fresh(path, body);
      this.#remember(slot, entry);
      return this.#ask(slot, entry, false);
    });
  }

  /**
   * Let one click of a slot run at a time; one more meanwhile gets the same outcome.
   * @template {Outcome | null} T
   * @param {string} slot
   * @param {() => Promise<T>} run
   * @returns {Promise<T>}
   */
  async #alone(slot, run) {
    const running = /** @type {Promise<T> | undefined} */ (this.#running.get(slot));
    if (running) return running;
    const begun = run();
    this.#running.set(slot, /** @type {Promise<Outcome>} */ (begun));
    try {
      return await begun;
    } finally {
      this.#running.delete(slot);
    }
  }

  /** @param {string} slot */
  async #resume(slot) {
    const entry = this.#recall(slot);
    return entry && this.#ask(slot, entry, true);
  }

  /**
   * Send a click until it is answered for good, or its time is up.
   * @param {string | null} slot
   * @param {Entry} entry
   * @param {boolean} resumed
   * @returns {Promise<Outcome>}
   */
  async #ask(slot, entry, resumed) {
    const { problem, result } = await this.#settle("POST", entry);
    const common = {
      resumed,
      key: entry.key,
      again: () => this.#ask(slot, entry, true),
    };
    if (problem === null) {
      this.#forget(slot, entry);
      return { state: "done", result, message: "", ...common };
    }
    if (entry.sent) return { state: "unknown", problem, message: UNKNOWN, ...common };
    this.#forget(slot, entry);
    const message = explain(problem, this.#options.explaining);
    return { state: "refused", problem, message, ...common };
  }

  /**
   * @param {string} path
   * @returns {Promise<any>}
   */
  async #read(path) {
    const { problem, result } = await this.#settle("GET", fresh(path, ""));
    if (problem === null) return result;
    const message = isTransient(problem) ? AWAY : explain(problem, this.#options.explaining);
    throw Object.assign(new Error(message), { problem });
  }

  /**
   * Attempt after attempt with the same key. `entry.sent` says at the end whether one of them may
   * have had an effect that nobody has told of.
   * @param {"GET" | "POST"} method
   * @param {Entry} entry
   * @returns {Promise<{problem: Problem | null, result?: any}>}
   */
  async #settle(method, entry) {
    const { deadlineMs, attemptMs, waitMsMax, backoffMs } = this.#options;
    const until = performance.now() + deadlineMs;
    for (let most = backoffMs; ; most = Math.min(2 * most, BACKOFF_MS_MAX)) {
      const left = until - performance.now();
      const told = await this.#attempt(method, entry, Math.min(attemptMs, left));
      if (told.problem === null) return told;
      const { problem, retryAfterMs } = told;
      const goesOn = isTransient(problem);
      if (goesOn) entry.sent ||= !isUnchanged(problem);
      else entry.sent &&= isAboutAccess(problem);
      const pauseMs = retryAfterMs + Math.random() * most;
      if (!goesOn || pauseMs > waitMsMax || performance.now() + pauseMs >= until) {
        return { problem };
      }
      this.#options.onWait({ problem, seconds: pauseMs / 1000 });
      await new Promise((wake) => setTimeout(wake, pauseMs));
    }
  }

  /**
   * @param {"GET" | "POST"} method
   * @param {Entry} entry
   * @param {number} ms
   * @returns {Promise<{problem: null, result: any} | {problem: Problem, retryAfterMs: number}>}
   */
  async #attempt(method, entry, ms) {
    const ending = new AbortController();
    const timer = setTimeout(() => ending.abort(), ms);
    try {
      const response = await fetch(this.#url + entry.path, {
        method,
        headers: this.#headers(method, entry),
        body: method === "GET" ? null : entry.body,
        signal: ending.signal,
        credentials: "omit",
        redirect: "error",
      });
      const text = await response.text();
      if (response.ok) return { problem: null, result: JSON.parse(text) };
      const pause = response.headers.get("Retry-After") ?? "";
      const retryAfterMs = /^\d{1,9}$/.test(pause) ? 1000 * Number(pause) : 0;
      return { problem: problemOf(response.status, text), retryAfterMs };
    } catch (error) {
      const detail = ending.signal.aborted ? "No answer in time." : String(error);
      return { problem: { code: "no_answer", status: 0, detail }, retryAfterMs: 0 };
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {"GET" | "POST"} method
   * @param {Entry} entry
   */
  #headers(method, entry) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (this.#key !== null) headers["Authorization"] = `Bearer ${this.#key}`;
    if (method === "GET") return headers;
    return { ...headers, "Content-Type": "application/json", "Idempotency-Key": entry.key };
  }

  /**
   * Return what is kept of a click without an answer. It was sent, as far as anybody can tell.
   * @param {string} slot
   * @returns {Entry | null}
   */
  #recall(slot) {
    try {
      const kept = JSON.parse(this.#options.storage?.getItem(PREFIX + slot) ?? "null");
      const good = kept !== null && Date.now() - kept.at < KEEP_MS;
      return good ? { ...kept, sent: true } : null;
    } catch {
      return null;
    }
  }

  /**
   * @param {string} slot
   * @param {Entry} entry
   */
  #remember(slot, entry) {
    try {
      this.#options.storage?.setItem(PREFIX + slot, JSON.stringify(entry));
    } catch {
      // A full or forbidden storage: a reload could then buy twice, but no retry can.
    }
  }

  /**
   * @param {string | null} slot
   * @param {Entry} entry
   */
  #forget(slot, entry) {
    if (slot === null || this.#recall(slot)?.key !== entry.key) return;
    this.#options.storage?.removeItem(PREFIX + slot);
  }
}

/**
 * Return what happened in words for a shopper.
 * @param {Problem} problem
 * @param {Explaining} [explaining]
 */
export function explain(problem, explaining = {}) {
  const { name = () => "This product", locale, messages = {} } = explaining;
  const message = messages[problem.code] ?? MESSAGES[problem.code] ?? otherwise(problem);
  return message(problem, { name, time: (moment) => clockTime(moment, locale) });
}

const MISCONFIGURED = () => "The shop cannot take orders at the moment. Please tell us.";
const BUSY = () => "The shop is very busy. Nothing was bought; please try again in a moment.";
const LOST = () => "Something went wrong. Please reload the page and try again.";
const UNKNOWN =
  "We could not find out yet whether your order went through. Please look again in a moment.";
const AWAY = "The shop cannot be reached at the moment. Please try again.";

/**
 * What to tell a shopper, by the problem's code; everything that buying and holding can be told.
 * @type {Record<string, Message>}
 */
export const MESSAGES = {
  insufficient_stock: ({ lines }, say) => allShort(lines, say),
  reservation_expired: ({ lines }, say) =>
    ["Your reservation has expired.", lines.length ? allShort(lines, say) : ""].join(" ").trim(),
  reservation_released: () => "Your reservation was given back.",
  reservation_committed: () => "This reservation was bought already.",
  reservation_not_found: () => "This reservation does not exist any more.",
  commit_exceeds_held: () => "Your reservation has fewer units than that.",
  purchase_limit_exceeded: ({ limit, already, window_seconds: window }) =>
    window === null
      ? `At most ${limit} an order.`
      : `At most ${limit} per customer; you have ${already} already.`,
  customer_id_required: () => "This product is limited per customer. Please sign in first.",
  mixed_currencies: ({ currencies }) => `Please order ${currencies.join(" and ")} separately.`,
  product_not_found: () => "This product is not on sale any more.",
  rate_limited: () => "That were too many attempts. Nothing was bought; please wait a minute.",
  overloaded: BUSY,
  storage_unavailable: BUSY,
  database_not_ready: BUSY,
  request_timeout: BUSY,
  // They end as "unknown", which has words of its own; these are for who shows the problem itself.
  idempotency_in_progress: () => "Your order is still being worked on.",
  outcome_unknown: () => UNKNOWN,
  internal_server_error: () => UNKNOWN,
  no_answer: () => UNKNOWN,
  // What a page, or its key, does wrong.
  validation_failed: LOST,
  idempotency_key_reused: LOST,
  malformed_json: MISCONFIGURED,
  unsupported_media_type: MISCONFIGURED,
  invalid_idempotency_key: MISCONFIGURED,
  idempotency_key_required: MISCONFIGURED,
  payload_too_large: MISCONFIGURED,
  uri_too_long: MISCONFIGURED,
  request_header_fields_too_large: MISCONFIGURED,
  authentication_required: MISCONFIGURED,
  invalid_api_key: MISCONFIGURED,
  insufficient_scope: MISCONFIGURED,
  secret_key_required: MISCONFIGURED,
  session_expired: MISCONFIGURED,
  invalid_csrf_token: MISCONFIGURED,
  foreign_page: MISCONFIGURED,
};

/**
 * @param {Problem} problem
 * @returns {Message}
 */
function otherwise(problem) {
  if (problem.status === 429) return MESSAGES["rate_limited"] ?? LOST;
  return isTransient(problem) ? () => UNKNOWN : LOST;
}

/**
 * @param {Problem[]} lines
 * @param {Saying} say
 */
function allShort(lines, say) {
  return lines.map((line) => short(line, say)).join(" ");
}

/**
 * @param {Record<string, any>} line
 * @param {Saying} say
 */
function short({ product_id: id, available, held, next_release_at: release }, { name, time }) {
  const inCarts = release ? `in other carts until ${time(release)}` : "in other carts";
  if (available > 0) {
    return `${name(id)}: only ${available} left${held > 0 ? `, ${held} more ${inCarts}` : ""}.`;
  }
  if (held > 0) return `${name(id)}: the last ${held} are ${inCarts}; some may come back.`;
  return `${name(id)}: sold out.`;
}

/**
 * @param {string} moment
 * @param {string | undefined} locale
 */
function clockTime(moment, locale) {
  return new Date(moment).toLocaleTimeString(locale, { hour: "2-digit", minute: "2-digit" });
}

/** @param {Problem} problem */
function isTransient({ status, code }) {
  const passing = status === 0 || status === 408 || status === 429 || status >= 500;
  return passing || code === "idempotency_in_progress";
}

/** @param {Problem} problem */
function isUnchanged({ status, code }) {
  return status === 408 || status === 429 || UNCHANGED.has(code);
}

/** Whether it says nothing about what became of an attempt before. @param {Problem} problem */
function isAboutAccess({ status }) {
  return status === 401 || status === 403;
}

/**
 * @param {number} status
 * @param {string} text
 * @returns {Problem}
 */
function problemOf(status, text) {
  try {
    return { code: "", detail: "", ...JSON.parse(text), status };
  } catch {
    return { code: "", detail: `Answered with status ${status}.`, status };
  }
}

/**
 * @param {string} path
 * @param {string} body
 * @param {string} [key]
 * @returns {Entry}
 */
function fresh(path, body, key) {
  return { key: key ?? crypto.randomUUID(), path, body, at: Date.now(), sent: false };
}

/** Return where a page keeps what survives a reload; null in Node, and where that is forbidden. */
function pageStorage() {
  try {
    return typeof document === "undefined" ? null : globalThis.sessionStorage;
  } catch {
    return null;
  }
}
