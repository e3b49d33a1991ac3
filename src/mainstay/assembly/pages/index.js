(() => {
  const site = JSON.parse(document.getElementById("site").textContent);
  const base = site.root;
  const REFRESH = 20000;
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

  const cell = (value, kind) => {
    if (value === null || value === undefined) return "—";
    if (Array.isArray(value)) return value.map((each) => cell(each)).join(", ") || "—";
    if (typeof value === "object") return JSON.stringify(value);
    if (["integer", "number", "float", "decimal"].includes(kind)) {
      const digits = (String(value).split(".")[1] || "").length;
      return Number(value).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
    }
    if (kind === "datetime") return new Date(value).toLocaleString();
    return String(value);
  };
  const isNumber = (kind) => ["integer", "number", "float", "decimal"].includes(kind);
  const isKey = (field) => field.kind === "uuid";

  const showRows = (resource, items) => {
    const own = resource.fields.filter((field) => !["created_at", "updated_at", "row_version"].includes(field.name));
    // Keys last: nobody reads them, and they are wide.
    const fields = [...own.filter((field) => !isKey(field)), ...own.filter(isKey)];
    const side = (field) => (isNumber(field.kind) ? "number" : "");
    const head = make("tr", {}, ...fields.map((field) => make("th", { scope: "col", textContent: field.name, className: side(field) })));
    const row = (item) => make("tr", {}, ...fields.map((field) => {
      const text = cell(item[field.name], field.kind);
      return make("td", { textContent: isKey(field) ? text.slice(-8) : text, title: text, className: side(field) });
    }));
    return make("table", {}, make("caption", { textContent: `The first ${items.length} of ${resource.name}; refreshed while you look` }), make("thead", {}, head), make("tbody", {}, ...items.map(row)));
  };

  const refresh = async (resource, section) => {
    const count = section.querySelector(".count");
    const rows = section.querySelector(".rows");
    try {
      const { status, body } = await call(`${resource.url}?limit=5&count=exact`);
      if (status === 200) {
        count.textContent = `${Number(body.count).toLocaleString()} ${body.count === 1 ? "row" : "rows"}`;
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

  const say = (kind, text) => {
    $("message").className = kind;
    $("message").textContent = text;
  };
  const post = (path, body) => call(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const reasons = (status, body) => {
    const each = ((body && body.errors) || []).map((error) => error.message);
    return [(body && body.detail) || `The server answered ${status}.`, ...each].join(" ");
  };

  $("sign-in").addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = new FormData(event.target);
    const account = { email: form.get("email"), password: form.get("password") };
    if (event.submitter && event.submitter.name === "sign-up") {
      const made = await post("/auth/sign-up", account);
      if (made.status !== 202) {
        say("error", reasons(made.status, made.body));
        return;
      }
    }
    say("", "Signing in…");
    const { status, body } = await post("/auth/sign-in", account);
    if (status !== 200) {
      say("error", reasons(status, body));
      return;
    }
    remember(body.access_token);
    event.target.reset();
    say("good", "Signed in.");
    await whoami();
    await all();
  });

  $("sign-out").addEventListener("click", async () => {
    await call("/auth/sign-out", { method: "POST" });
    remember(null);
    say("", "Signed out.");
    await all();
  });

  remember(token);
  whoami();
  all();
  setInterval(() => { if (!document.hidden) all(); }, REFRESH);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) all(); });
})();
