(() => {
  const site = JSON.parse(document.getElementById("site").textContent);
  const base = site.root;
  const $ = (id) => document.getElementById(id);
  const make = (tag, attributes = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.append(...children);
    return element;
  };
  let token = sessionStorage.getItem("mainstay.token");

  const call = async (path, options = {}) => {
    const headers = { accept: "application/json", ...options.headers };
    if (token) headers.authorization = `Bearer ${token}`;
    const answer = await fetch(base + path, { ...options, headers });
    const body = answer.status === 204 ? null : await answer.json().catch(() => null);
    if (answer.status === 401 && token && !path.startsWith("/auth/")) {
      remember(null);
      return call(path, options);
    }
    return { status: answer.status, body };
  };

  const remember = (value) => {
    token = value;
    if (value) sessionStorage.setItem("mainstay.token", value);
    else sessionStorage.removeItem("mainstay.token");
    $("sign-in").hidden = Boolean(value);
    $("signed-in").hidden = !value;
  };

  const cell = (value) => {
    if (value === null || value === undefined) return "—";
    return typeof value === "object" ? JSON.stringify(value) : String(value);
  };

  const showRows = (resource, items) => {
    const names = resource.fields.map((field) => field.name).filter((name) => !["created_at", "updated_at", "row_version"].includes(name));
    const head = make("tr", {}, ...names.map((name) => make("th", { scope: "col", textContent: name })));
    const rows = items.map((item) => make("tr", {}, ...names.map((name) => make("td", { textContent: cell(item[name]), title: cell(item[name]) }))));
    return make("table", {}, make("caption", { textContent: `The first ${items.length} of ${resource.name}, refreshed every five seconds` }), make("thead", {}, head), make("tbody", {}, ...rows));
  };

  const refresh = async (resource, section) => {
    const count = section.querySelector(".count");
    const rows = section.querySelector(".rows");
    try {
      const { status, body } = await call(`${resource.url}?limit=5&count=exact`);
      if (status === 200) {
        count.textContent = `${Number(body.count).toLocaleString()} rows`;
        const text = JSON.stringify(body.items);
        if (rows.dataset.shown !== text) {
          rows.dataset.shown = text;
          rows.replaceChildren(body.items.length ? showRows(resource, body.items) : make("p", { className: "quiet", textContent: "No rows that you may see." }));
        }
      } else {
        count.textContent = "";
        rows.dataset.shown = "";
        const words = { 401: "Sign in to see these rows.", 403: "Your account may not read these rows." };
        rows.replaceChildren(make("p", { className: "quiet", textContent: words[status] || (body && body.detail) || `The server answered ${status}.` }));
      }
    } catch {
      rows.replaceChildren(make("p", { className: "error", textContent: "The server does not answer." }));
    }
  };

  const curl = (text) => {
    const button = make("button", { type: "button", className: "plain", textContent: "Copy" });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    return make("div", { className: "curl" }, make("code", { textContent: text, tabIndex: 0 }), button);
  };

  const origin = location.origin + base;
  const sections = site.resources.map((resource) => {
    const fields = make("dl", { className: "fields" });
    for (const field of resource.fields) {
      fields.append(make("dt", { textContent: field.name }), make("dd", { textContent: field.kind + (field.required ? ", required" : "") }));
    }
    const section = make("section", { className: "resource", id: resource.name },
      make("header", {},
        make("h2", {}, make("a", { href: base + resource.url, textContent: resource.name })),
        make("span", { className: "count" })),
      make("p", { className: "quiet", textContent: resource.description }),
      make("div", { className: "rows", tabIndex: 0 }),
      make("details", {}, make("summary", { textContent: `${resource.fields.length} fields` }), fields),
      curl(`curl -s '${origin}${resource.url}?limit=3'`));
    section.querySelector(".rows").setAttribute("role", "region");
    section.querySelector(".rows").setAttribute("aria-label", `Rows of ${resource.name}`);
    $("resources").append(section);
    return [resource, section];
  });
  if (!sections.length) $("resources").append(make("p", { className: "quiet", textContent: "No resources are declared yet." }));

  $("curl-sign-in").append(
    curl(`TOKEN=$(curl -s ${origin}/auth/sign-in -H 'Content-Type: application/json' -d '{"email": "you@example.com", "password": "…"}' | python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')`),
    curl(`curl -s -H "Authorization: Bearer $TOKEN" ${origin}/auth/me`));

  const all = () => Promise.all(sections.map(([resource, section]) => refresh(resource, section)));

  const whoami = async () => {
    if (!token) return;
    const { status, body } = await call("/auth/me");
    if (status === 200) $("who").textContent = body.email || body.id;
    else remember(null);
  };

  $("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const message = $("message");
    message.className = "";
    message.textContent = "Signing in…";
    const { status, body } = await call("/auth/sign-in", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email: form.get("email"), password: form.get("password") }),
    });
    if (status === 200) {
      remember(body.access_token);
      event.target.reset();
      message.className = "good";
      message.textContent = "Signed in.";
      await whoami();
      await all();
    } else {
      message.className = "error";
      message.textContent = (body && body.detail) || `The server answered ${status}.`;
    }
  });

  $("sign-out").addEventListener("click", async () => {
    await call("/auth/sign-out", { method: "POST" });
    remember(null);
    $("message").className = "";
    $("message").textContent = "Signed out.";
    await all();
  });

  remember(token);
  whoami();
  all();
  setInterval(() => { if (!document.hidden) all(); }, 5000);
})();
