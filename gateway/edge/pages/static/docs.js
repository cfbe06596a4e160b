"use strict";

// The bundled Swagger UI reads OpenAPI 3.0. The document is 3.1 and keeps to what both understand, so the page tells
// the bundle the older number; /api/openapi.json itself is not changed.
fetch("/api/openapi.json")
  .then((answer) => answer.json())
  .then((spec) => {
    window.ui = SwaggerUIBundle({
      spec: { ...spec, openapi: "3.0.3" },
      dom_id: "#api",
      deepLinking: true,
      docExpansion: "list",
      defaultModelsExpandDepth: -1,
      displayRequestDuration: true,
      filter: true,
      persistAuthorization: true,
      tryItOutEnabled: true,
      validatorUrl: null,
    });
  })
  .catch((error) => {
    document.getElementById("api").textContent = `The API document could not be read: ${error}`;
  });
