// Draws the diagrams of a page in the colours of its theme, and anew when the reader changes that.
// Without it, or where a diagram cannot be drawn, its text stays. What draws is large, so it is
// fetched, from this site, only by pages that have a diagram.

"use strict";

const library = new URL("mermaid.tiny.js", document.currentScript.src);
const system = window.matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.body.dataset.theme;
  return chosen === "dark" || (chosen !== "light" && system.matches);
}

async function draw(diagrams) {
  mermaid.initialize({
    startOnLoad: false,
    securityLevel: "strict",
    theme: isDark() ? "dark" : "neutral",
    fontFamily: "inherit",
  });
  for (const diagram of diagrams) {
    diagram.textContent = diagram.dataset.text;
    diagram.removeAttribute("data-processed");
  }
  await mermaid.run({ nodes: diagrams, suppressErrors: true });
}

function start() {
  const diagrams = [...document.querySelectorAll("pre.mermaid")];
  if (diagrams.length === 0) return;
  for (const diagram of diagrams) diagram.dataset.text = diagram.textContent;
  const script = document.createElement("script");
  script.src = library;
  script.addEventListener("load", () => {
    // One drawing after the other: a theme may change while one is under way.
    let drawing = draw(diagrams);
    const again = () => (drawing = drawing.then(() => draw(diagrams)));
    system.addEventListener("change", again);
    new MutationObserver(again).observe(document.body, { attributeFilter: ["data-theme"] });
  });
  document.head.append(script);
}

start();
