// Forms and questions in a dialog, and the notices that say what was done.

import { html, nothing, render } from "./html.js";

const NOTICE_MS = 8_000;

/** Say what was done, or that it was not, to eyes and to screen readers. */
export function notify(text, kind = "done") {
  const line = document.createElement("p");
  line.className = kind;
  line.textContent = text;
  document.getElementById("notices").append(line);
  setTimeout(() => line.remove(), NOTICE_MS);
}

/**
 * Ask in a dialog, and do it.
 *
 * `send(values, form)` does what was asked for and returns what to say of it; while it is refused the
 * dialog stays, with the reason and with what is wrong beside each field. `fields` is the inside of the
 * form, or a function of the problem at hand and of what closes the dialog; `action` is what the button says, or
 * a function of the problem as well. Returns whether it was done.
 */
export function ask({ title, fields = nothing, action, dangerous = false, wide = false, send }) {
  const dialog = document.getElementById("dialog");
  const before = document.activeElement;
  let problem = null;
  let busy = false;
  let done = false;
  let closed = false;
  const close = () => closed || dialog.close();

  async function submit(event) {
    event.preventDefault();
    const form = event.target;
    [busy, problem] = [true, null];
    draw();
    try {
      const said = await send(Object.fromEntries(new FormData(form)), form);
      done = true;
      if (said) notify(said);
      close();
    } catch (refused) {
      if (refused.code === undefined) console.error(refused);
      problem = refused;
    }
    busy = false;
    draw();
    // What is wrong, or what has to be looked at before the button is pressed again.
    const wrong = problem && form.querySelector("[aria-invalid=true], [tabindex='-1']");
    wrong?.focus();
  }

  function draw() {
    // Whoever closed it while it was busy may have opened another one.
    if (closed) return;
    render(
      html`<article class=${wide ? "wide" : ""}>
        <header>
          <button type="button" class="close" aria-label="Close" rel="prev" @click=${close}></button>
          <h2 id="dialog-title">${title}</h2>
        </header>
        <form @submit=${submit} novalidate>
          ${problem ? html`<p class="refused" role="alert">${problem.message}</p>` : nothing}
          ${typeof fields === "function" ? fields(problem, close) : fields}
          <footer>
            <button type="button" class="secondary" @click=${close}>Cancel</button>
            <button type="submit" class=${dangerous ? "dangerous" : ""} aria-busy=${busy} ?disabled=${busy}>${typeof action === "function" ? action(problem) : action}</button>
          </footer>
        </form>
      </article>`,
      dialog,
    );
  }

  draw();
  dialog.showModal();
  dialog.querySelector("[autofocus], input, select, textarea, button[type=submit]")?.focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      closed = true;
      render(nothing, dialog);
      before?.focus?.();
      answer(done);
    }, { once: true });
  });
}

/**
 * One field of a form with its label, what is to be known about it, and what is wrong with it.
 *
 * `control(attributes)` cannot be: lit-html has no spread, so the usual ones are made here.
 */
export function field({ name, label, problem, value = "", type = "text", help, required = false, options, rows, ...more }) {
  const wrong = wrongs(problem, name).join(" ");
  const told = wrong || help;
  const note = told ? `${name}-note` : nothing;
  const invalid = wrong ? "true" : nothing;
  let control;
  if (options) {
    control = html`<select id=${name} name=${name} aria-describedby=${note} aria-invalid=${invalid}>
      ${options.map(([key, text]) => html`<option value=${key} ?selected=${key === value}>${text}</option>`)}
    </select>`;
  } else if (rows) {
    control = html`<textarea id=${name} name=${name} rows=${rows} aria-describedby=${note} aria-invalid=${invalid}
      ?required=${required} .value=${value ?? ""}></textarea>`;
  } else {
    control = html`<input id=${name} name=${name} type=${type} .defaultValue=${String(value ?? "")} ?required=${required}
      aria-describedby=${note} aria-invalid=${invalid} inputmode=${more.inputmode ?? nothing} min=${more.min ?? nothing}
      max=${more.max ?? nothing} step=${more.step ?? nothing} autocomplete=${more.autocomplete ?? "off"}
      placeholder=${more.placeholder ?? nothing} ?autofocus=${more.autofocus}>`;
  }
  return html`<div class="field">
    <label for=${name}>${label}${required ? nothing : html` <small>optional</small>`}</label>
    ${control} ${told ? html`<small id="${name}-note">${told}</small>` : nothing}
  </div>`;
}

/** Return what is wrong with a field, or with what is within it: `tags.0` is of `tags`. */
export function wrongs(problem, name) {
  const within = Object.entries(problem?.fields ?? {}).filter(([path]) => path === name || path.startsWith(`${name}.`));
  return within.flatMap(([, messages]) => messages);
}

/** Return the fields of a form that were filled in, the named ones as numbers. */
export function filled(values, ...numbers) {
  const given = Object.entries(values).filter(([, value]) => value !== "");
  return Object.fromEntries(given.map(([name, value]) => [name, numbers.includes(name) ? asNumber(value) : value]));
}

/** Return the number that was typed; what is none as it is: the service says what is wrong with it. */
export function asNumber(text) {
  return Number.isFinite(Number(text)) ? Number(text) : text;
}
