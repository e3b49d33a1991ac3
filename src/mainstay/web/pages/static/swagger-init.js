// Starts Swagger UI from the page's own data block, so that the page needs no inline script.
(() => {
  const config = JSON.parse(document.getElementById("config").textContent);
  const ui = SwaggerUIBundle({
    dom_id: "#docs",
    url: config.url,
    oauth2RedirectUrl: config.oauth2Redirect ? new URL(config.oauth2Redirect, location.href).href : undefined,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
    ...config.parameters,
  });
  if (config.initOAuth) ui.initOAuth(config.initOAuth);
  window.ui = ui;
})();
