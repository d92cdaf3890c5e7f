"use strict";

// Relative to the page, so that it also works where a proxy serves the API below another path.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#operations",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  // Nobody else is to be asked whether the document is valid.
  validatorUrl: null,
});
