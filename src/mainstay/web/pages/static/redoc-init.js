// Starts ReDoc from the page's own data block, so that the page needs no inline script.
(() => {
  const config = JSON.parse(document.getElementById("config").textContent);
  Redoc.init(config.url, { hideLoading: false, ...config.parameters }, document.getElementById("docs"));
})();
