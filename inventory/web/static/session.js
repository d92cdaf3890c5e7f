// Who is signed in, and what they may do.

import { call, useToken } from "./api.js";

let current = null;

/** Find out whether somebody is signed in; return the session, or null. */
export async function resume() {
  try {
    return begun((await call("GET", "/api/session")).body);
  } catch (problem) {
    if (problem.status === 401) return begun(null);
    throw problem;
  }
}

/** Sign in with an API key. */
export async function signIn(key) {
  begun((await call("POST", "/api/session", { body: { key } })).body);
}

/** Forget who is signed in, here and in the service. */
export async function signOut() {
  await call("DELETE", "/api/session");
  begun(null);
}

/** Return what is known of who is signed in. */
export function session() {
  return current;
}

/** Tell whether a scope is among those of the key. */
export function may(scope) {
  return current !== null && (current.scopes.includes(scope) || current.scopes.includes("admin"));
}

function begun(told) {
  current = told;
  useToken(told?.csrf_token ?? null);
  return told;
}
