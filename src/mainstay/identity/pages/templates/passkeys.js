(() => {
  "use strict";
  const has = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;
  const post = async (root, path, body, csrf) => {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (csrf) headers["X-CSRF-Token"] = csrf;
    const answer = await fetch(root + path, { method: "POST", headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    const value = text ? JSON.parse(text) : {};
    if (!answer.ok) throw Object.assign(new Error(value.detail || answer.statusText), { code: value.code, status: answer.status });
    return value;
  };
  const get = async (options) => (await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) })).toJSON();
  const deeds = {
    "sign-in": async (box, ask) => {
      const { ticket, options } = await ask("/auth/sign-in/passkey/options");
      const remember = document.querySelector("input[name=remember]");
      await ask("/auth/sign-in/passkey", { ticket, credential: await get(options), mode: "cookie", remember: Boolean(remember && remember.checked) });
    },
    "second-step": async (box, ask) => {
      const { options } = await ask("/auth/sign-in/factor/passkey", {});
      await ask("/auth/sign-in/factor", { passkey: await get(options) });
    },
    "step-up": async (box, ask) => {
      const { ticket, options } = await ask("/auth/step-up/passkey");
      await ask("/auth/step-up", { ticket, passkey: await get(options) });
    },
    add: async (box, ask) => {
      const name = box.querySelector("input").value.trim();
      const { ticket, options } = await ask("/auth/factors/passkeys/options");
      const made = await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
      const { recovery_codes: codes } = await ask("/auth/factors/passkeys", { ticket, name, credential: made.toJSON() });
      if (!codes) return false;
      const shown = box.querySelector("template").content.cloneNode(true);
      for (const code of codes) {
        const item = document.createElement("li");
        item.append(Object.assign(document.createElement("code"), { textContent: code }));
        shown.querySelector("ul").append(item);
      }
      const main = document.querySelector("main");
      main.replaceChildren(shown);
      main.focus();
      return true;
    },
  };
  for (const box of document.querySelectorAll("[data-passkey]")) {
    if (!has) continue;
    const { passkey, next, root, csrf, words } = box.dataset;
    const told = JSON.parse(box.dataset.told);
    const said = box.querySelector("[role=alert]");
    const ask = (path, body) => post(root, path, body, csrf);
    box.hidden = false;
    box.addEventListener("submit", async (event) => {
      event.preventDefault();
      said.hidden = true;
      try {
        if (!(await deeds[passkey](box, ask))) location.assign(next);
      } catch (error) {
        if (error.code === "second_factor_required") location.assign(box.dataset.second);
        else if (error.code === "insufficient_user_authentication") location.assign(box.dataset.stepUp);
        else if (error.status === 401 && csrf) location.assign(box.dataset.signIn);
        else {
          // In the page's language, whatever the API or the browser say.
          said.textContent = told[error.code] || words;
          said.hidden = false;
        }
      }
    });
  }
})();
