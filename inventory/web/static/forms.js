// Parts of forms: boxes to tick, bounds that hold before the service is asked, and what needs no form at all.

import { Problem } from "./api.js";
import { notify } from "./dialog.js";
import { html, nothing } from "./html.js";

/** Do at once what needs no question; say what was done, or why it was not. */
export async function act(send) {
  try {
    notify(await send());
  } catch (problem) {
    if (problem.code === undefined) console.error(problem);
    notify(problem.message, "refused");
  }
}

/** Refuse what a form's own bounds forbid, with the reason beside each field. */
export function insist(form) {
  const wrong = [...form.elements].filter((control) => control.name && !control.validity.valid);
  if (wrong.length) refuse("Please look at what is marked.", Object.fromEntries(wrong.map((control) => [control.name, control.validationMessage])));
}

/** Refuse a form as the service would. */
export function refuse(detail, errors) {
  throw new Problem(422, { code: "validation_failed", detail, errors });
}

/** A box to tick, with what is to be known about it. */
export function box({ name, label, value = "on", checked = false, help }) {
  const id = `${name}-${value}`;
  return html`<div class="box">
    <input type="checkbox" id=${id} name=${name} value=${value} ?checked=${checked} aria-describedby=${help ? `${id}-note` : nothing}>
    <label for=${id}>${label}</label>
    ${help ? html`<small id="${id}-note">${help}</small>` : nothing}
  </div>`;
}

/** Some of many; `options` are `[value, help]`, and what was chosen is `new FormData(form).getAll(name)`. */
export function boxes({ name, label, problem, options, chosen = [], help }) {
  const wrong = Object.entries(problem?.fields ?? {}).find(([key]) => key.split(".")[0] === name)?.[1];
  return html`<fieldset class="field" aria-describedby="${name}-note">
    <legend>${label}</legend>
    <div class="boxes">
      ${options.map(([value, known]) => box({ name, value, label: html`<code>${value}</code>`, checked: chosen.includes(value), help: known }))}
    </div>
    <small id="${name}-note" class=${wrong ? "wrong" : ""}>${wrong ? [].concat(wrong).join(" ") : help}</small>
  </fieldset>`;
}
