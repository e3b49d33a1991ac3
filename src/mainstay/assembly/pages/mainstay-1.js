/*!
 * Mainstay's client for browsers and Node 20: sign-in, a session that is kept fresh, resources. No dependencies.
 * Its types and its documentation are in mainstay-1.d.ts. MIT.
 */

const GIVE_UP = 10_000; // ms: a third of the window in which the server answers a repeated refresh alike
const EARLY = 30_000; // ms before its end in which an access token is exchanged; a fifth of a short life
const COOKIE_TURN = 600_000; // ms after which a session's cookie is exchanged
const PAUSES = [250, 1_000]; // ms between the attempts of what may be repeated
const LONGEST_PAUSE = 5_000;
const REST = 5_000; // ms for which a server that could not exchange is not asked to, while what there is will do
const LONGEST_REST = 60_000; // ms that a server may ask for
const LEASE = 35_000; // ms: longer than a refresh takes at most
const TRIES = 5; // how often a proof is asked for after one that was not taken
const NOT_TAKEN = ["factor_refused", "passkey_refused", "wrong_password"];

/** A refusal, RFC 9457. */
export class Problem extends Error {
  constructor(status, members = {}, headers = new Headers()) {
    super(members.detail || members.title || `The server answered ${status}.`);
    this.name = new.target.name;
    this.status = status;
    this.code = members.code ?? "";
    this.title = members.title ?? "";
    this.errors = members.errors ?? [];
    this.requestId = members.request_id ?? headers.get("x-request-id") ?? "";
    this.refused = null; // where a proof is asked for again: why the last one was not taken
    this.members = members;
    this.headers = headers;
    // Half of a way in: not for consoles and logs, which print what can be enumerated.
    if ("ticket" in members) Object.defineProperty(members, "ticket", { enumerable: false });
  }
}

/** A more recent or a stronger sign-in is needed, RFC 9470. */
export class StepUpRequired extends Problem {
  get acrValues() {
    return /acr_values="([^"]*)"/.exec(this.headers.get("www-authenticate") ?? "")?.[1].split(" ") ?? [];
  }
  get maxAge() {
    const found = /max_age="?(\d+)/.exec(this.headers.get("www-authenticate") ?? "");
    return found ? Number(found[1]) : null;
  }
}

/** There was no answer: offline, the server is away, it took too long, or something else answered in its place. */
export class Unreachable extends Error {
  constructor(cause, message = "The server cannot be reached.") {
    super(message, { cause });
    this.name = "Unreachable";
  }
}

/** The refresh token is gone with the page. */
export function memoryStore() {
  let kept = null;
  return { shared: null, get: () => kept, set: (token) => void (kept = token) };
}

/** The refresh token is in localStorage, for all tabs; whatever script runs in the page can read it. */
export function localStore(key = "mainstay") {
  const storage = globalThis.localStorage;
  return {
    shared: key,
    get: () => storage.getItem(key),
    set: (token) => (token === null ? storage.removeItem(key) : storage.setItem(key, token)),
  };
}

export function createClient(options = {}) {
  return new Client(options);
}

class Client {
  #options;
  #key;
  #cookies;
  #store;
  #shared;
  #access = null; // { token, refresh, wall, monotonic }: ends when either clock says so
  #csrf = null;
  #over = false;
  #refreshing = null;
  #exchanged = 0; // by this client; other tabs exchange too
  #rest = { until: 0, error: null }; // after an exchange that failed; with an error, the server asked for it
  #question = null; // whether there is another proof: asked for once, for all who need one
  #asking = false;
  #questions = 0; // how often that was done
  #channel = null;
  #listeners = { signedin: new Set(), signedout: new Set(), stepup: new Set() };
  #wanted = null;

  constructor({ url, mode, store, apiKey = null, tenant = null, prefix = "/api/v1", fetch, ...rest }) {
    const { onSignedOut, onStepUp, onSecondFactor, ...others } = rest;
    const unknown = Object.keys(others);
    if (unknown.length) throw new TypeError(`createClient knows no option ${unknown.join(", ")}.`);
    const page = typeof document !== "undefined";
    if (apiKey && page) throw new TypeError("An API key in a page is everybody's: people sign in, programs have keys.");
    if (apiKey && store) throw new TypeError("An API key is no session: give a store or an API key.");
    if (url === undefined && !page) throw new TypeError('Say where the app is: createClient({url: "https://…"}).');
    mode ??= page ? "cookie" : "bearer";
    if (mode !== "cookie" && mode !== "bearer") throw new TypeError('mode is "cookie" or "bearer".');
    if (mode === "cookie" && typeof process !== "undefined" && process.versions?.node && !page) {
      throw new TypeError('Only browsers keep cookies: createClient({mode: "bearer"}).');
    }
    const base = new URL(url ?? location.origin, page ? location.href : undefined);
    // Addresses end up in logs.
    if (base.username || base.password) throw new TypeError("Leave name and password out of the app's address.");
    const send = fetch ?? globalThis.fetch;
    const place = { base: base.href.replace(/\/+$/, ""), origin: base.origin, tenant, prefix };
    this.#options = { ...place, onStepUp, onSecondFactor };
    this.#key = apiKey;
    this.#options.fetch = (...args) => send(...args);
    this.#cookies = mode === "cookie";
    this.#store = this.#cookies ? memoryStore() : (store ?? memoryStore());
    this.#shared = this.#cookies ? "cookie" : this.#store.shared;
    if (this.#shared && globalThis.BroadcastChannel) {
      this.#channel = new BroadcastChannel(`mainstay ${this.#options.base} ${this.#shared}`);
      this.#channel.onmessage = (event) => this.#hear(event.data);
      this.#channel.unref?.(); // Node would not end
    }
    if (onSignedOut) this.on("signedout", onSignedOut);
    const told = async (...asked) => (await this.#asked(...asked)).data;
    const forget = () => this.#end("signed-out");
    this.account = account(told, forget);
    this.factors = factors(told);
    this.sessions = sessions(told);
    this.keys = keys(told);
  }

  // -- The session ----------------------------------------------------------------------------------------------

  async signUp(account) {
    return (await this.#asked("POST", "/auth/sign-up", account, true)).data;
  }

  signIn(proof, { path = "/auth/sign-in" } = {}) {
    return this.#enter(path, proof);
  }

  /** Show the second factor: `{code}`, `{recovery_code}` or `{passkey: true}`. */
  async finishSignIn(waiting, proof) {
    const ticket = waiting?.members?.ticket;
    if (!ticket && !this.#cookies) throw new TypeError("Hand over the refusal of the sign-in that waits.");
    const begun = ticket ? { ticket } : {}; // a page's is in a cookie
    let shown = proof;
    if (proof.passkey === true) {
      const { options } = (await this.#asked("POST", "/auth/sign-in/factor/passkey", begun, true)).data;
      shown = { passkey: await ceremony("get", options) };
    }
    return this.#entered((await this.#asked("POST", "/auth/sign-in/factor", { ...begun, ...shown }, true)).data);
  }

  async signInWithPasskey({ conditional = false, signal, ...wishes } = {}) {
    if (conditional && !(await passkeySupport()).conditional) return null;
    for (;;) {
      const asked = await this.#asked("POST", "/auth/sign-in/passkey/options", undefined, true, signal);
      const { ticket, options } = asked.data;
      const credential = await ceremony("get", options, conditional ? "conditional" : undefined, signal);
      if (credential === null) return null;
      // One that waited for longer than its ticket is good begins anew.
      if (credential !== LATE) return this.#enter("/auth/sign-in/passkey", { ...wishes, ticket, credential });
    }
  }

  /** A letter to sign in with goes there. */
  async askForLetter(email, { codeOnly = false } = {}) {
    return (await this.#asked("POST", "/auth/sign-in/mail", { email, code_only: codeOnly }, true)).data;
  }

  signInByLetter(letter, proof, wishes = {}) {
    return this.#enter("/auth/sign-in/mail/confirm", { ...wishes, request: letter.request, proof });
  }

  async #enter(path, proof) {
    this.#needsNoKey();
    const body = { ...proof, mode: this.#cookies ? "cookie" : "bearer" };
    const { onSecondFactor } = this.#options;
    let waiting;
    try {
      return await this.#entered((await this.#asked("POST", path, body, true)).data);
    } catch (error) {
      if (error.code !== "second_factor_required" || !onSecondFactor) throw error;
      waiting = error;
    }
    for (let left = TRIES; left; left--) {
      const shown = await onSecondFactor(waiting);
      if (!shown) break;
      try {
        return await this.finishSignIn(waiting, shown);
      } catch (error) {
        if (!NOT_TAKEN.includes(error.code)) throw error;
        waiting.refused = error;
      }
    }
    throw waiting;
  }

  async #entered(told) {
    if (this.#cookies) {
      this.#csrf = texts(told, "csrf_token").csrf_token;
      this.#mark();
    } else {
      texts(told, "access_token", "refresh_token");
      // Else a tab that finds the old session ended would take away the new one.
      await exclusively(this.#lock(), () => this.#store.set(told.refresh_token));
      this.#keep(told);
    }
    this.#over = false;
    this.#tell({ type: "signedin" });
    this.#emit("signedin");
    return { scope: told.scope, expiresIn: told.expires_in };
  }

  /** Prove once more who is calling: `{password}`, `{code}`, `{recovery_code}` or `{passkey: true}`. */
  async stepUp(proof) {
    const asked = async (path, body) => (await this.request("POST", path, { body, stepUp: false })).data;
    if (proof.passkey !== true) return asked("/auth/step-up", proof);
    const { ticket, options } = await asked("/auth/step-up/passkey");
    return asked("/auth/step-up", { ticket, passkey: await ceremony("get", options) });
  }

  signOut() {
    return this.#leave("/auth/sign-out");
  }

  signOutEverywhere() {
    return this.#leave("/auth/logout-all");
  }

  #needsNoKey() {
    if (this.#key) throw new TypeError("This client has an API key, which signs in nowhere: make one without.");
  }

  async #leave(path) {
    this.#needsNoKey();
    let answer = null;
    try {
      answer = await this.request("POST", path, {});
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) {
        // The tokens are ours to forget; the cookie is not.
        if (!this.#cookies) await this.#end("signed-out");
        throw error;
      }
    }
    await this.#end("signed-out");
    return answer?.data?.count ?? 0;
  }

  async isSignedIn() {
    if (this.#key) return true;
    return this.#cookies ? (await this.#csrfToken()) !== null : (await this.#store.get()) !== null;
  }

  /** True when there is a session afterwards. */
  async refresh() {
    this.#needsNoKey();
    return this.#renew();
  }

  on(name, listener) {
    if (!(name in this.#listeners)) throw new TypeError(`There is no event ${name}.`);
    this.#listeners[name].add(listener);
    return () => void this.#listeners[name].delete(listener);
  }

  close() {
    this.#channel?.close();
    this.#channel = null;
  }

  // -- Requests -------------------------------------------------------------------------------------------------

  /** As the platform's fetch, with proof of who is calling; one retry after a 401. */
  async fetch(path, init = {}) {
    return this.#stronger(this.#resolve(path), init, true);
  }

  /** Repeated once there is the proof that was asked for. */
  async #stronger(url, init, asks) {
    for (let left = TRIES; ; left--) {
      const seen = this.#questions;
      const answer = await this.#called(url, init);
      if (answer.status !== 401 || !(await isStepUp(answer))) return answer;
      const problem = new StepUpRequired(401, await members(answer.clone()), answer.headers);
      this.#emit("stepup", problem);
      if (!left || !asks || this.#key || !this.#options.onStepUp || isStream(init)) return answer;
      // Whoever was refused while another asked has no question of their own.
      const mine = !this.#asking && this.#questions === seen;
      if (mine) {
        this.#asking = true;
        this.#question = this.#askForProof(problem).finally(() => {
          this.#asking = false;
          this.#questions++;
        });
      }
      if (!(await this.#question)) return answer;
      await answer.body?.cancel();
      if (mine) return this.#called(url, init);
    }
  }

  async #askForProof(problem) {
    for (let left = TRIES; left; left--) {
      const proof = await this.#options.onStepUp(problem);
      if (proof === null || typeof proof !== "object") return Boolean(proof);
      try {
        await this.stepUp(proof);
        return true;
      } catch (error) {
        if (error instanceof StepUpRequired) problem = error; // this proof was good, and is not enough
        else if (NOT_TAKEN.includes(error.code)) problem.refused = error;
        else throw error;
      }
    }
    return false;
  }

  /** With the proof there is, and after a 401 with what is exchanged then. */
  async #called(url, init) {
    const once = () => this.#once(url, init);
    const before = this.#exchanged;
    let { answer, proof } = await once();
    if (isStream(init)) return answer;
    // A route's own 401 may come after its deed: what must not be done twice is repeated if it was the token alone.
    const unsaid = answer.status === 401 && !answer.headers.has("www-authenticate") && isHarmless(init);
    if (proof && (isRefused(answer) || (unsaid && !(await isStepUp(answer))))) {
      for (let left = 2; left && (await this.#renew(proof)); ) {
        await answer.body?.cancel();
        ({ answer, proof } = await once());
        // What another tab exchanged may be old by now: refused too, it is exchanged here.
        left = isRefused(answer) && this.#exchanged === before ? left - 1 : 0;
        // A token that is fresh and still refused: this session is no good here.
        if (isRefused(answer) && !left) {
          await this.#end("refused", this.#cookies ? undefined : (this.#access?.refresh ?? null));
        }
      }
    } else if (answer.status === 403 && this.#cookies) {
      // Another tab has signed in since: the token we sent guards a session that is gone.
      if ((await members(answer.clone())).code === "csrf_failed" && (await this.#csrfToken(true)) !== null) {
        await answer.body?.cancel();
        answer = (await once()).answer;
      }
    }
    return answer;
  }

  #asked(method, path, body, anonymous = false, signal = undefined) {
    return this.request(method, path, { body, anonymous, signal });
  }

  async request(method, path, options = {}) {
    const { query, body, headers = {}, ifMatch, idempotencyKey, signal, anonymous = false, stepUp = true } = options;
    const sent = new Headers(headers);
    const init = { method, headers: sent, signal };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      if (!sent.has("content-type")) sent.set("content-type", "application/json");
    }
    if (ifMatch) sent.set("if-match", ifMatch);
    if (idempotencyKey) sent.set("idempotency-key", idempotencyKey);
    const url = this.#resolve(path + (query ? `?${queryString(query)}` : ""));
    const may = isHarmless(init);
    // A redirect would take the body along, to wherever it leads.
    if (!["GET", "HEAD"].includes(method.toUpperCase())) init.redirect = "manual";
    for (let attempt = 0; ; attempt++) {
      let pause = may ? PAUSES[attempt] : undefined;
      try {
        const answer = await (anonymous ? this.#bare(url, init) : this.#stronger(url, init, stepUp));
        if (answer.ok) return { status: answer.status, headers: answer.headers, data: await content(answer) };
        if (answer.type === "opaqueredirect" || (answer.status >= 300 && answer.status < 400)) {
          const away = { title: "The answer leads elsewhere.", code: "redirected" };
          throw new Problem(answer.status || 302, away, answer.headers);
        }
        const told = await members(answer);
        const passing = [502, 503, 504].includes(answer.status) || told.code === "idempotency_in_flight";
        const after = Number(answer.headers.get("retry-after")) * 1000 || 0; // it may be a date
        if (!passing || pause === undefined || after > LONGEST_PAUSE) {
          const Kind = answer.status === 401 && (await isStepUp(answer, told)) ? StepUpRequired : Problem;
          throw new Kind(answer.status, told, answer.headers);
        }
        pause = Math.max(pause, after);
      } catch (error) {
        if (signal?.aborted) throw signal.reason; // also where the answer had begun
        if (!(error instanceof Unreachable) || error.tried || pause === undefined) throw error;
      }
      await sleep(pause * (0.75 + Math.random() / 2), signal);
    }
  }

  resource(name) {
    return new ResourceClient(this, `${this.#options.prefix}/${encodeURIComponent(name)}`);
  }

  async batch(operations, { idempotencyKey = newKey() } = {}) {
    const path = `${this.#options.prefix}/batch`;
    return (await this.request("POST", path, { body: { operations }, idempotencyKey })).data.results;
  }

  async #bare(url, init) {
    return (await this.#once(url, init, true)).answer;
  }

  #resolve(path) {
    const { base, origin } = this.#options;
    const text = String(path);
    const url = new URL(/^\/(?!\/)/.test(text) ? base + text : text, `${base}/`);
    // A token that is sent to another's server is theirs.
    if (url.origin !== origin) throw new TypeError(`${url.origin} is not ${origin}: this client talks to one app.`);
    return url.href;
  }

  async #once(url, init, anonymous = false) {
    const headers = new Headers(init.headers);
    const { tenant, fetch, origin } = this.#options;
    if (tenant && !headers.has("x-tenant-id")) headers.set("x-tenant-id", tenant);
    const own = headers.has("authorization");
    let credentials = "omit";
    let proof = null;
    if (this.#key && !own) {
      if (!anonymous) headers.set("authorization", `Bearer ${this.#key}`);
    } else if (this.#cookies && !own) {
      credentials = typeof location !== "undefined" && location.origin === origin ? "same-origin" : "include";
      const changes = !["GET", "HEAD", "OPTIONS"].includes((init.method ?? "GET").toUpperCase());
      proof = anonymous ? null : await this.#csrfToken();
      if (proof && changes) headers.set("x-csrf-token", proof);
      if (proof && this.#marked() + COOKIE_TURN < Date.now() && !this.#rests()) this.#renew().catch(() => {});
    } else if (!anonymous && !own) {
      proof = await this.#current();
      if (proof) headers.set("authorization", `Bearer ${proof}`);
    }
    try {
      return { answer: await fetch(url, { ...init, headers, credentials }), proof };
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new Unreachable(error);
    }
  }

  // -- Keeping it fresh -----------------------------------------------------------------------------------------

  async #current() {
    if (this.#access && !isOld(this.#access, this.#rests() ? 0 : this.#access.early)) return this.#access.token;
    if ((await this.#store.get()) === null) {
      this.#access = null;
      return null;
    }
    const before = this.#access;
    try {
      await this.#renew(before?.token);
    } catch (error) {
      // Offline for a moment: what we have is good for some seconds yet.
      if (!before || isOld(before) || this.#access !== before) throw error;
    }
    return this.#access?.token ?? null;
  }

  /** Exchange what there is, unless somebody has since `seen` was sent. One at a time, here and in all tabs. */
  #renew(seen) {
    if (!this.#cookies && seen && this.#access && this.#access.token !== seen) return Promise.resolve(true);
    if (this.#rest.error && this.#rests()) return Promise.reject(this.#rest.error);
    this.#refreshing ??= this.#exchangeOnce()
      .then((went) => {
        this.#rest = { until: 0, error: null };
        return went;
      })
      .catch((error) => {
        const wished = error instanceof Problem ? Number(error.headers.get("retry-after")) * 1000 || 0 : 0;
        const until = performance.now() + (Math.min(wished, LONGEST_REST) || REST);
        this.#rest = { until, error: wished > 0 ? error : null };
        throw error;
      })
      .finally(() => (this.#refreshing = null));
    return this.#refreshing;
  }

  #rests() {
    return performance.now() < this.#rest.until;
  }

  #lock() {
    return this.#shared && `mainstay ${this.#options.base} ${this.#shared}`;
  }

  async #exchangeOnce() {
    const mine = this.#cookies ? this.#marked() : (this.#access?.refresh ?? (await this.#store.get()));
    return exclusively(this.#lock(), async () => {
      for (let attempt = 0; ; attempt++) {
        try {
          return await (this.#cookies ? this.#exchangeCookie(mine) : this.#exchange(mine));
        } catch (error) {
          const passing = error instanceof Unreachable || (error instanceof Problem && error.status >= 500);
          if (!passing) throw error;
          if (PAUSES[attempt] === undefined) throw Object.assign(error, { tried: true });
          await sleep(PAUSES[attempt] * (0.75 + Math.random() / 2));
        }
      }
    });
  }

  async #exchange(mine) {
    for (let turn = 0; turn < 5; turn++) {
      const shown = await this.#store.get();
      if (shown === null) return false;
      if (shown !== mine && (await this.#askedFor(shown))) return true;
      const { status, told, headers } = await this.#post({ refresh_token: shown });
      if (status === 200) texts(told, "access_token", "refresh_token");
      const stored = await this.#store.get();
      if (status === 200 && (stored === shown || stored === told.refresh_token)) {
        await this.#store.set(told.refresh_token); // before anything of the answer is used
        this.#keep(told);
        this.#exchanged++;
        this.#over = false;
        this.#tell(this.#ours());
        return true;
      }
      // Somebody signed in or out while we asked: theirs is what counts.
      if (stored !== shown) {
        mine = null;
        continue;
      }
      if (status !== 401) throw new Problem(status, told, headers);
      await this.#end("ended", shown);
      return (await this.#store.get()) !== null;
    }
    throw new Error("The store does not keep what it is given.");
  }

  async #exchangeCookie(mine) {
    if (this.#marked() !== mine) return true;
    for (let again = false; ; again = true) {
      const csrf = await this.#csrfToken(again);
      if (csrf === null) {
        await this.#end("ended");
        return false;
      }
      const { status, told, headers } = await this.#post(undefined, csrf);
      if (status === 200) {
        this.#csrf = texts(told, "csrf_token").csrf_token;
        this.#exchanged++;
        this.#mark();
        return true;
      }
      if (told.code === "csrf_failed" && !again) continue;
      if (status !== 401) throw new Problem(status, told, headers);
      await this.#end("ended");
      return false;
    }
  }

  async #post(body, csrf) {
    const headers = new Headers(this.#options.tenant ? { "x-tenant-id": this.#options.tenant } : {});
    if (body) headers.set("content-type", "application/json");
    if (csrf) headers.set("x-csrf-token", csrf);
    const init = { method: "POST", headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(GIVE_UP) };
    init.credentials = body ? "omit" : "include";
    init.redirect = "error"; // the token is for the app alone
    try {
      const answer = await this.#options.fetch(this.#resolve("/auth/refresh"), init);
      return { status: answer.status, told: await members(answer, true), headers: answer.headers };
    } catch (error) {
      throw new Unreachable(error);
    }
  }

  #keep(told) {
    const life = told.expires_in * 1000;
    // Seconds from now, not the server's time of day: this machine's clock may be anything.
    const ends = { wall: Date.now() + life, monotonic: performance.now() + life, early: Math.min(EARLY, life / 5) };
    this.#access = { token: told.access_token, refresh: told.refresh_token, ...ends };
  }

  /** Signed out, unless somebody has signed in since `shown` was stored. */
  async #end(reason, shown) {
    if (shown !== undefined && (await this.#store.get()) !== shown) return;
    this.#access = null;
    this.#csrf = null;
    await this.#store.set(null);
    if (this.#over) return;
    this.#over = true;
    this.#tell({ type: "signedout", reason });
    this.#emit("signedout", { reason });
  }

  async #csrfToken(anew = false) {
    // Scripts read the cookie of their own host alone; other pages ask.
    if (typeof document !== "undefined" && location.origin === this.#options.origin) {
      return /(?:^|; )(?:__Host-)?mainstay-csrf=([^;]+)/.exec(document.cookie)?.[1] ?? null;
    }
    if (anew) this.#csrf = null;
    if (this.#csrf === null && !this.#over) {
      const { fetch } = this.#options;
      const answer = await fetch(this.#resolve("/auth/csrf"), { credentials: "include" }).catch((error) => {
        throw new Unreachable(error);
      });
      this.#csrf = (answer.ok && (await answer.json()).csrf_token) || null;
    }
    return this.#csrf;
  }

  // -- The other tabs -------------------------------------------------------------------------------------------

  async #hear(message) {
    if (message.type === "signedout" && !this.#over) {
      this.#access = null;
      this.#csrf = null;
      this.#over = true;
      this.#emit("signedout", { reason: message.reason });
    } else if (message.type === "signedin") {
      this.#access = null;
      this.#csrf = null;
      this.#over = false;
      this.#emit("signedin");
    } else if (message.type === "ask" && this.#access?.refresh === message.refresh) {
      this.#tell(this.#ours());
    } else if (message.type === "tokens" && (await this.#store.get()) === message.told.refresh_token) {
      this.#keep(message.told);
      this.#over = false;
      this.#wanted?.();
    }
  }

  /** The access token that another tab got with this refresh token. */
  async #askedFor(refresh) {
    if (this.#access?.refresh === refresh && !isOld(this.#access)) return true;
    if (!this.#channel) return false;
    const told = new Promise((resolve) => (this.#wanted = resolve));
    this.#tell({ type: "ask", refresh });
    await Promise.race([told, sleep(300)]);
    this.#wanted = null;
    return this.#access?.refresh === refresh;
  }

  #ours() {
    const { token, refresh, wall } = this.#access;
    const told = { access_token: token, refresh_token: refresh, expires_in: (wall - Date.now()) / 1000 };
    return { type: "tokens", told };
  }

  #tell(message) {
    this.#channel?.postMessage(message);
  }

  #emit(name, detail) {
    for (const listener of this.#listeners[name]) listener(detail);
  }

  #marked() {
    return Number(storage()?.getItem(`mainstay-renewed ${this.#options.base}`) ?? 0);
  }

  #mark() {
    storage()?.setItem(`mainstay-renewed ${this.#options.base}`, String(Date.now()));
  }
}

const etags = new WeakMap();

/** The version of a row that this client answered; undefined for the rows of a list. */
export function etagOf(row) {
  return etags.get(row);
}

class ResourceClient {
  #client;
  #path;

  constructor(client, path) {
    this.#client = client;
    this.#path = path;
  }

  async page(query = {}) {
    return (await this.#client.request("GET", this.#path, { query })).data;
  }

  async *list(query = {}) {
    let after = query.after;
    do {
      const page = await this.page(after ? { ...query, after } : query);
      yield* page.items;
      after = page.next;
    } while (after);
  }

  async get(id, query) {
    return this.#row(await this.#client.request("GET", this.#at(id), { query }));
  }

  async create(body, { idempotencyKey = newKey(), query } = {}) {
    return this.#row(await this.#client.request("POST", this.#path, { body, query, idempotencyKey }));
  }

  async update(row, changes, { ifMatch = etags.get(Object(row)), idempotencyKey = newKey(), query } = {}) {
    const options = { body: changes, query, ifMatch, idempotencyKey };
    options.headers = { "content-type": "application/merge-patch+json" };
    return this.#row(await this.#client.request("PATCH", this.#at(row), options));
  }

  async replace(row, body, { ifMatch = etags.get(Object(row)), idempotencyKey = newKey(), query } = {}) {
    return this.#row(await this.#client.request("PUT", this.#at(row), { body, query, ifMatch, idempotencyKey }));
  }

  async delete(row, { ifMatch = etags.get(Object(row)), idempotencyKey = newKey() } = {}) {
    await this.#client.request("DELETE", this.#at(row), { ifMatch, idempotencyKey });
  }

  #at(row) {
    const id = typeof row === "object" && row !== null ? row.id : row;
    // `.` and `..` mean other paths, whatever they are encoded as.
    if (!id || /^\.{1,2}$/.test(String(id))) throw new TypeError("Name the row by its id, or hand over a row.");
    return `${this.#path}/${encodeURIComponent(id)}`;
  }

  #row({ data, headers }) {
    const etag = headers.get("etag");
    if (etag && data !== null && typeof data === "object") etags.set(data, etag);
    return data;
  }
}

// -- One's own account: docs/reference/identity.md has the routes ---------------------------------------------------

function account(told, forget) {
  return {
    me: () => told("GET", "/auth/me"),
    update: (changes) => told("PATCH", "/auth/me", changes),
    profile: () => told("GET", "/auth/me/profile"),
    updateProfile: (changes) => told("PATCH", "/auth/me/profile", changes),
    preferences: () => told("GET", "/auth/me/preferences"),
    updatePreferences: (changes) => told("PATCH", "/auth/me/preferences", changes),
    verifyEmail: (token) => told("POST", "/auth/verify-email", { token }, true),
    resendVerification: async (email) => void (await told("POST", "/auth/verify-email/resend", { email }, true)),
    forgotPassword: async (email) => void (await told("POST", "/auth/password/forgot", { email }, true)),
    resetPassword: async (token, password) =>
      void (await told("POST", "/auth/password/reset", { token, password }, true)),
    changePassword: async (current, next) =>
      void (await told("POST", "/auth/password", { current_password: current, new_password: next })),
    changeEmail: async (email, password) => void (await told("POST", "/auth/email", { email, password })),
    confirmEmail: (token) => told("POST", "/auth/email/confirm", { token }, true),
    delete: async (password) => {
      const { deletion_at } = await told("POST", "/auth/me/delete", { password });
      await forget();
      return deletion_at;
    },
  };
}

function factors(told) {
  const passkeys = "/auth/factors/passkeys";
  return {
    get: () => told("GET", "/auth/factors"),
    beginTotp: () => told("POST", "/auth/factors/totp"),
    confirmTotp: async (code) => (await told("POST", "/auth/factors/totp/confirm", { code })).recovery_codes ?? [],
    removeTotp: () => told("DELETE", "/auth/factors/totp"),
    addPasskey: async (name, { signal } = {}) => {
      const { ticket, options } = await told("POST", `${passkeys}/options`, undefined, false, signal);
      const credential = await ceremony("create", options, undefined, signal);
      const { id, recovery_codes } = await told("POST", passkeys, { ticket, name, credential });
      return { id, recovery_codes: recovery_codes ?? [] };
    },
    renamePasskey: (id, name) => told("PATCH", `${passkeys}/${encodeURIComponent(id)}`, { name }),
    removePasskey: (id) => told("DELETE", `${passkeys}/${encodeURIComponent(id)}`),
    newRecoveryCodes: async () => (await told("POST", "/auth/factors/recovery-codes")).recovery_codes,
  };
}

function sessions(told) {
  return {
    all: async () => (await told("GET", "/auth/sessions")).items,
    end: (id) => told("DELETE", `/auth/sessions/${encodeURIComponent(id)}`),
  };
}

function keys(told) {
  return {
    all: async () => (await told("GET", "/auth/keys")).items,
    get: (id) => told("GET", `/auth/keys/${encodeURIComponent(id)}`),
    create: (key) => told("POST", "/auth/keys", key),
    rotate: (id, { overlap } = {}) => told("POST", `/auth/keys/${encodeURIComponent(id)}/rotate`, { overlap }),
    revoke: (id) => told("DELETE", `/auth/keys/${encodeURIComponent(id)}`),
  };
}

// -- Passkeys -------------------------------------------------------------------------------------------------------

const LATE = Symbol("the ticket is about to end");
let inTheForm = null; // the request that waits in a form's suggestions: a browser does one at a time

/** What this browser can do; `conditional`: offer passkeys among a form's suggestions. */
export async function passkeySupport() {
  const passkeys = Boolean(globalThis.PublicKeyCredential && globalThis.navigator?.credentials);
  const conditional = passkeys && Boolean(await PublicKeyCredential.isConditionalMediationAvailable?.());
  return { passkeys, conditional };
}

/** Make or use a passkey. LATE for one that waited in a form too long, null where another took its place. */
async function ceremony(deed, options, mediation, signal) {
  if (!(await passkeySupport()).passkeys) {
    throw new TypeError("There are no passkeys here: it takes a browser, and a page with TLS or at localhost.");
  }
  signal?.throwIfAborted();
  inTheForm?.abort();
  const turn = new AbortController();
  const leave = () => turn.abort(signal.reason);
  signal?.addEventListener("abort", leave);
  let late = false;
  const end = () => turn.abort((late = true));
  const timer = mediation && setTimeout(end, (options.timeout ?? 300_000) * 0.8);
  inTheForm = mediation ? turn : null;
  try {
    return plain(await navigator.credentials[deed]({ publicKey: binary(options), mediation, signal: turn.signal }));
  } catch (error) {
    if (!mediation || signal?.aborted || !turn.signal.aborted) throw error;
    return late ? LATE : null;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
    if (inTheForm === turn) inTheForm = null;
  }
}

/** The server's options as WebAuthn takes them: what JSON writes in base64url are bytes. */
function binary(options) {
  const named = (each) => ({ ...each, id: bytes(each.id) });
  const found = { ...options, challenge: bytes(options.challenge) };
  if (options.user) found.user = named(options.user);
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (options[list]) found[list] = options[list].map(named);
  }
  return found;
}

/** A credential as JSON can say it. */
function plain({ id, rawId, type, response }) {
  const told = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) told[name] = base64url(response[name]);
  }
  if (response.getTransports) told.transports = response.getTransports();
  return { id, rawId: base64url(rawId), type, response: told };
}

function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
}

function base64url(buffer) {
  const text = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** One at a time among everybody who says this name; among the callers of one page where it is null. */
async function exclusively(name, work) {
  if (!name) return work(); // one client, which asks once at a time
  if (globalThis.navigator?.locks) return navigator.locks.request(name, work);
  const localStorage = storage();
  if (!localStorage) return work();
  // Pages in clear have no locks: a lease, won by who still holds it a moment later. Two that both think they have it
  // are given the same answer by the server.
  const me = newKey();
  const key = `${name} lease`;
  const held = () => JSON.parse(localStorage.getItem(key) ?? "null");
  for (;;) {
    const lease = held();
    if (!lease || lease.until < Date.now() || lease.until > Date.now() + LEASE) {
      localStorage.setItem(key, JSON.stringify({ holder: me, until: Date.now() + LEASE }));
      await sleep(50);
      if (held()?.holder === me) break;
    }
    await sleep(30 + Math.random() * 50);
  }
  try {
    return await work();
  } finally {
    if (held()?.holder === me) localStorage.removeItem(key);
  }
}

/** Either clock will do: one may be set, the other may stand still while the machine sleeps. */
function isOld(access, early = 0) {
  return Date.now() + early > access.wall || performance.now() + early > access.monotonic;
}

/** null where there is none, or where the browser keeps it from us. */
function storage() {
  try {
    return globalThis.localStorage ?? null;
  } catch {
    return null;
  }
}

/** The token was refused; a route's own 401 says no such thing. */
function isRefused(answer) {
  return answer.status === 401 && /error="invalid_token"/.test(answer.headers.get("www-authenticate") ?? "");
}

/** What may be done twice: reads, and what carries an idempotency key. */
function isHarmless(init) {
  const method = (init.method ?? "GET").toUpperCase();
  return method === "GET" || method === "HEAD" || new Headers(init.headers).has("idempotency-key");
}

/** What is gone when it was sent. */
function isStream({ body }) {
  const flows = (each) => Symbol.asyncIterator in each || typeof each.getReader === "function";
  return typeof body === "object" && body !== null && flows(body);
}

/** The answer, if it is one of the app's: portals and proxies answer in its place. */
function texts(told, ...names) {
  if (names.every((name) => typeof told?.[name] === "string")) return told;
  throw new Unreachable(null, "Something else than the app answered.");
}

async function isStepUp(answer, told) {
  if (/error="insufficient_user_authentication"/.test(answer.headers.get("www-authenticate") ?? "")) return true;
  return (told ?? (await members(answer.clone()))).code === "insufficient_user_authentication";
}

async function members(answer, strictly = false) {
  try {
    const told = await answer.json();
    return told !== null && typeof told === "object" ? told : {};
  } catch (error) {
    // A body that broke off is no answer.
    if (strictly && !(error instanceof SyntaxError && !answer.ok)) throw error;
    return {};
  }
}

async function content(answer) {
  const type = answer.headers.get("content-type") ?? "";
  if (answer.status === 204 || answer.headers.get("content-length") === "0") return null;
  try {
    return /[/+]json\b/.test(type) ? await answer.json() : await answer.text();
  } catch (error) {
    throw error instanceof SyntaxError ? error : new Unreachable(error);
  }
}

function queryString(query) {
  const sent = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue;
    if (Array.isArray(value)) sent.append(name, value.map(quoted).join(","));
    else sent.append(name, value instanceof Date ? value.toISOString() : String(value));
  }
  return sent.toString();
}

function quoted(value) {
  const text = value instanceof Date ? value.toISOString() : String(value);
  return /[",\r\n]/.test(text) || text === "" ? `"${text.replaceAll('"', '""')}"` : text;
}

function newKey() {
  // randomUUID is for pages with TLS alone.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}
