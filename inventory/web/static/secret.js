// Shows what is shown once.

import { html, nothing, render } from "./html.js";

/** Show a secret until it is put away, which Escape does not; `told` says what it is good for. */
export function showSecret({ title, label, secret, told }) {
  const dialog = document.getElementById("dialog");
  const inside = html`<article>
    <header><h2 id="dialog-title">${title}</h2></header>
    <p>${told}</p>
    <label for="secret">${label}</label>
    <div class="copy">
      <input id="secret" readonly .value=${secret} spellcheck="false">
      <button type="button" @click=${copy}>Copy</button>
    </div>
    <p class="stale">It is not shown again. Keep it where you keep passwords. <strong id="copied" role="status"></strong></p>
    <footer><button type="button" class="secondary" @click=${() => dialog.close()}>I have kept it</button></footer>
  </article>`;
  render(inside, dialog);
  dialog.oncancel = (event) => event.preventDefault();
  dialog.showModal();
  dialog.querySelector("input").select();
  return new Promise((closed) => {
    dialog.addEventListener("close", () => {
      dialog.oncancel = null;
      render(nothing, dialog);
      closed();
    }, { once: true });
  });
}

async function copy() {
  const input = document.getElementById("secret");
  input.select();
  // Pages that did not come by TLS from another machine have no clipboard but this old one.
  const copied = await navigator.clipboard?.writeText(input.value).then(() => true, () => false) || document.execCommand("copy");
  document.getElementById("copied").textContent = copied ? "Copied." : "Copy what is selected by keyboard.";
}
