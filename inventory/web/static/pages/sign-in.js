// Where nobody is signed in.

import { field } from "../dialog.js";
import { html, nothing } from "../html.js";
import { Page } from "../page.js";
import { signIn } from "../session.js";

export default class SignInPage extends Page {
  title = "Sign in";
  #problem = null;
  #busy = false;

  view() {
    return html`<article class="sign-in">
      <img src="assets/icon.svg" alt="" width="48" height="48">
      <h1>Sign in</h1>
      <form @submit=${(event) => this.#submit(event)}>
        ${this.#problem ? html`<p class="refused" role="alert">${this.#problem.message}</p>` : nothing}
        ${field({ name: "key", label: "API key", type: "password", required: true, autocomplete: "current-password",
          help: html`A secret one, as <code>inventory keys create</code> prints it. It stays in the service; this browser keeps a session of twelve hours.` })}
        <button type="submit" aria-busy=${this.#busy} ?disabled=${this.#busy}>Sign in</button>
      </form>
    </article>`;
  }

  async #submit(event) {
    event.preventDefault();
    const { key } = Object.fromEntries(new FormData(event.target));
    [this.#busy, this.#problem] = [true, null];
    this.redraw();
    try {
      await signIn(key.trim());
      dispatchEvent(new Event("signed-in"));
    } catch (problem) {
      this.#problem = problem;
      this.#busy = false;
      this.redraw();
      document.getElementById("key").focus();
    }
  }
}
