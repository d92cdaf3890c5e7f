// Calls the API, which is all that the dashboard knows of the service.

const TRIES = 6;
const WAIT_MS_MAX = 5_000;
// What is certain to have changed nothing, or is still running: worth another try.
const PASSING = new Set(["overloaded", "storage_unavailable", "database_not_ready", "idempotency_in_progress"]);
// What the same key finds out, or goes on with.
const KEYED = new Set(["no_answer", "outcome_unknown", "import_unfinished"]);

/** Why a call was refused, as the service says it; code `no_answer` if it said nothing at all. */
export class Problem extends Error {
  constructor(status, told = {}, retryAfter = 0) {
    super(told.detail ?? "The service gave no answer.");
    this.status = status;
    this.code = told.code ?? "no_answer";
    this.told = told;
    /** Messages by field, of a request that was not valid. */
    this.fields = told.errors ?? {};
    this.retryAfter = retryAfter;
  }
}

let csrfToken = null;
/** What to do once the service no longer knows who is signed in. */
let onSignedOut = () => {};

/** Send this token with every change from now on. */
export function useToken(token) {
  csrfToken = token;
}

/** Call `listener` whenever the session has ended. */
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

/** Return the body of what is at a path; `query` may have empty values, which are left out. */
export async function get(path, query = {}, { signal } = {}) {
  return (await call("GET", path + search(query), { signal })).body;
}

/**
 * Change something, exactly once: a try without a definite answer is repeated with the same key.
 * `waiting` hears of each problem that leads to another try. Return `{ status, body, etag }`; raise `Problem`.
 */
export async function change(method, path, body, { ifMatch, type, waiting } = {}) {
  const key = method === "POST" ? crypto.randomUUID?.() ?? randomName() : undefined;
  let reached = 0;
  for (let tries = 1; ; tries += 1) {
    try {
      return await call(method, path, { body, key, ifMatch, type });
    } catch (problem) {
      const again = PASSING.has(problem.code) || (key !== undefined && KEYED.has(problem.code));
      if (!again || tries === TRIES) throw problem;
      // An import that comes further each time may go on for as long as it takes.
      if (problem.told.rows_done > reached) [reached, tries] = [problem.told.rows_done, 0];
      waiting?.(problem);
      const pause = Math.min(1_000 * (problem.retryAfter || 2 ** tries / 4), WAIT_MS_MAX);
      await new Promise((resume) => { setTimeout(resume, pause * (0.75 + Math.random() / 2)); });
    }
  }
}

/** Make one call; return `{ status, body, etag }`, raise `Problem` where it was refused. */
export async function call(method, path, { body, key, ifMatch, type, signal } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
  if (key !== undefined) headers["Idempotency-Key"] = key;
  if (ifMatch !== undefined) headers["If-Match"] = ifMatch;
  if (csrfToken !== null && method !== "GET") headers["X-CSRF-Token"] = csrfToken;
  const sent = body === undefined || type !== undefined ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method, headers, body: sent, signal, cache: "no-cache" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0);
  }
  const answer = response.headers.get("Content-Type")?.includes("json") ? await response.json() : null;
  if (response.ok) return { status: response.status, body: answer, etag: response.headers.get("ETag") };
  const problem = new Problem(response.status, answer ?? {}, Number(response.headers.get("Retry-After")) || 0);
  if (response.status === 401 && path !== "/api/session") onSignedOut();
  throw problem;
}

/** Return a query string of what is given; empty if nothing is. */
export function search(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
}

// Pages that did not come by TLS from another machine have no randomUUID.
function randomName() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
