"""The JavaScript client in Node 20, against a real server."""

import subprocess
from pathlib import Path
from typing import Any

from tests.clients.conftest import HERE, PASSWORD, Site, run_node

PAGES = HERE.parent.parent / "src" / "mainstay" / "assembly" / "pages"
START = """
import { createClient, Problem, StepUpRequired, Unreachable, etagOf, memoryStore } from "%s";
const [url, email, password] = process.argv.slice(2);
const told = [];
const asked = [];
const fetch = async (target, init) => {
  asked.push(`${init.method ?? "GET"} ${new URL(target).pathname}`);
  const answer = await globalThis.fetch(target, init);
  if (lost.length && target.endsWith(lost[0])) throw new TypeError(lost.shift());
  return answer;
};
const lost = [];
const store = {...memoryStore()};
const client = createClient({ url, fetch, store, onSignedOut: (event) => told.push(event.reason) });
const raised = async (promise) => { try { await promise; return null; } catch (error) { return error; } };
const say = (what) => console.log(JSON.stringify(what));
""" % (PAGES / "mainstay-1.js").as_uri()  # noqa: UP031  braces are JavaScript's


def run(node: Path, site: Site, script: str) -> Any:
    return run_node(node, START + script, site.url, site.somebody(), PASSWORD)


def test_from_sign_up_to_sign_out(node: Path, site: Site) -> None:
    script = """
    await client.signUp({ email: "new" + email, password });
    const before = await client.isSignedIn();
    await client.signIn({ email: "new" + email, password });
    const me = (await client.request("GET", "/auth/me")).data.email === "new" + email;
    const count = await client.signOutEverywhere();
    const after = await raised(client.request("GET", "/auth/me"));
    say([before, me, count, await client.isSignedIn(), after.status, told]);
    """
    assert run(node, site, script) == [False, True, 1, False, 401, ["signed-out"]]


def test_resources(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const notes = client.resource("notes");
    for (let i = 0; i < 5; i++) await notes.create({ text: `${email} ${i}` });
    const found = [];
    const query = { "text.startswith": email, sort: ["-text"], limit: 2 };
    for await (const note of notes.list(query)) found.push(note.text.at(-1));
    const quoted = await notes.create({ text: `a, "b" ${email}` });
    const list = (await notes.page({ "text.in": [quoted.text, "c"] })).items.length;
    const one = await notes.get(quoted.id);
    const changed = await notes.update(one, { text: "changed" });
    const late = await raised(notes.update(one, { text: "lost update" }));
    const forced = await notes.update(one.id, { text: "forced" });
    await notes.delete(forced);
    const gone = await raised(notes.get(forced.id));
    const wrong = await raised(notes.create({ text: "x".repeat(300) }));
    const batch = await client.batch([{ method: "POST", path: "/notes", body: { text: "in a batch" } }]);
    const path = [await raised(notes.get("..")), await raised(notes.get(""))].map((error) => error.name);
    say([found, list, etagOf(changed) !== etagOf(one), late.status, gone.code, wrong.status, wrong.errors[0].loc,
         wrong.requestId !== "", batch[0].status, path]);
    """
    found = run(node, site, script)
    assert found == [
        ["4", "3", "2", "1", "0"], 1, True, 412, "not_found", 422, ["body", "text"], True, 201, ["TypeError"] * 2,
    ]  # fmt: skip


def test_many_requests_that_find_their_token_refused_refresh_once_and_are_repeated_once(node: Path, site: Site) -> None:
    before = site.asked()
    script = """
    await client.signIn({ email, password });
    await client.request("GET", "/auth/me");
    // The first token is refused from now on, as if it had ended.
    const original = globalThis.fetch;
    let first = null;
    globalThis.fetch = async (target, init) => {
      const headers = new Headers(init.headers);
      first ??= headers.get("authorization");
      if (first && headers.get("authorization") === first) headers.set("authorization", "Bearer spoilt");
      return original(target, { ...init, headers });
    };
    asked.length = 0;
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.request("GET", "/auth/me")));
    say([answers.every((answer) => answer.data.email === email), asked.filter((a) => a === "POST /auth/refresh").length,
         asked.filter((a) => a === "GET /auth/me").length, told]);
    """
    assert run(node, site, script) == [True, 1, 100, []]
    assert site.asked() == before + 1


def test_a_401_is_repeated_once_only_and_a_fresh_token_that_is_refused_ends_it(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const original = globalThis.fetch;
    globalThis.fetch = async (target, init) => { const headers = new Headers(init.headers);
      if (headers.has("authorization")) headers.set("authorization", "Bearer spoilt");
      return original(target, {...init, headers}); };
    asked.length = 0;
    const error = await raised(client.request("GET", "/auth/me"));
    say([error.status, error instanceof Problem, asked, told, await client.isSignedIn()]);
    """
    asked = ["GET /auth/me", "POST /auth/refresh", "GET /auth/me"]
    assert run(node, site, script) == [401, True, asked, ["refused"], False]


def test_a_routes_own_401_signs_nobody_out(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const error = await raised(client.request("GET", "/own-401"));
    say([error.status, told, (await client.request("GET", "/auth/me")).status]);
    """
    assert run(node, site, script) == [401, [], 200]


def test_a_session_that_was_ended_elsewhere_is_over_and_told_once(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const elsewhere = createClient({ url });
    await elsewhere.signIn({ email, password });
    await elsewhere.signOutEverywhere();
    await new Promise((resolve) => setTimeout(resolve, 600));
    asked.length = 0;
    const errors = await Promise.all([1, 2, 3].map(() => raised(client.request("GET", "/auth/me"))));
    say([errors.map((error) => error.status), told, asked.filter((each) => each === "POST /auth/refresh").length]);
    """
    assert run(node, site, script) == [[401, 401, 401], ["ended"], 1]


def test_an_answer_to_a_refresh_that_is_lost_with_its_server_signs_nobody_out(node: Path, site: Site) -> None:
    script = """
    import { writeFileSync } from "node:fs";
    await client.signIn({ email, password });
    const shown = await store.get();
    const folder = process.argv[5];
    writeFileSync(folder + "/lose", "POST /auth/refresh");
    let went = false;
    for (let i = 0; i < 20 && !went; i++) went = await client.refresh().catch((error) => {
      if (!(error instanceof Unreachable)) throw error;
    });
    say([went, (await store.get()) !== shown, (await client.request("GET", "/auth/me")).data.email === email, told]);
    """
    argv = [site.url, site.somebody(), PASSWORD, str(site.folder)]
    assert run_node(node, START + script, *argv) == [True, True, True, []]


def test_a_refresh_is_given_up_after_ten_seconds_and_what_cannot_be_stored_is_not_used(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const timeout = AbortSignal.timeout;
    const given = [];
    AbortSignal.timeout = (ms) => { given.push(ms); return timeout.call(AbortSignal, 30); };
    const original = globalThis.fetch;
    globalThis.fetch = (target, { signal }) => new Promise((resolve, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason)));
    const awake = setInterval(() => {}, 10); // as a socket would be
    const late = await raised(client.refresh());
    clearInterval(awake);
    AbortSignal.timeout = timeout;
    globalThis.fetch = original;
    const { set } = store;
    store.set = () => { throw new Error("full"); };
    const full = await raised(client.refresh());
    store.set = set;
    asked.length = 0;
    await client.request("GET", "/auth/me");
    say([late instanceof Unreachable, given, full.message, [...asked], await client.refresh(), told]);
    """
    assert run(node, site, script) == [True, [10_000] * 3, "full", ["GET /auth/me"], True, []]


def test_a_row_whose_answer_is_lost_is_made_once(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const notes = client.resource("notes");
    lost.push("/notes", "/notes");
    await notes.create({ text: email });
    const before = asked.length;
    lost.push("/notes");
    const bare = await raised(client.request("POST", "/api/v1/notes", { body: { text: "without a key" } }));
    say([(await notes.page({ text: email })).items.length, bare instanceof Unreachable,
         asked.filter((each) => each === "POST /api/v1/notes").length]);
    """
    assert run(node, site, script) == [1, True, 4]


def test_offline_a_token_is_used_to_its_end_and_nobody_is_signed_out(node: Path, site: Site) -> None:
    script = """
    let online = true;
    let tried = 0;
    const offline = () => (tried++, Promise.reject(new TypeError("offline")));
    const steady = createClient({ url, store, fetch: (target, init) =>
      online || target.endsWith("/auth/me") ? globalThis.fetch(target, init) : offline(),
      onSignedOut: (event) => told.push(event.reason) });
    await steady.signIn({ email, password });
    online = false;
    const now = Date.now;
    Date.now = () => now() + 590_000;
    const nearly = [];
    for (let i = 0; i < 4; i++) nearly.push((await steady.request("GET", "/auth/me")).status);
    nearly.push(tried); // one exchange was tried, and then the server was left in peace
    Date.now = () => now() + 610_000;
    const over = await raised(steady.request("GET", "/auth/me"));
    online = true;
    const back = (await steady.request("GET", "/auth/me")).status;
    say([nearly, over instanceof Unreachable, back, told]);
    """
    assert run(node, site, script) == [[200, 200, 200, 200, 3], True, 200, []]


def test_a_clock_that_is_wrong_or_set_costs_a_refresh_at_most(node: Path, site: Site) -> None:
    script = """
    const now = Date.now;
    const times = [];
    for (const off of [-10, 10].map((years) => years * 365 * 86_400_000)) {
      Date.now = () => now() + off;
      await client.signIn({ email, password });
      asked.length = 0;
      for (let i = 0; i < 5; i++) await client.request("GET", "/auth/me");
      times.push(asked.length);
      Date.now = () => now();
      for (let i = 0; i < 5; i++) await client.request("GET", "/auth/me");
      times.push(asked.filter((each) => each === "POST /auth/refresh").length);
    }
    say([times, told]);
    """
    assert run(node, site, script) == [[5, 1, 5, 0], []]


def test_whoever_signs_in_while_a_refresh_is_under_way_stays_signed_in(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const original = globalThis.fetch;
    let other = null;
    globalThis.fetch = async (target, init) => {
      const answer = await original(target, init);
      if (target.endsWith("/auth/refresh") && !other) {
        other = await (await original(url + "/auth/sign-in", {method: "POST",
          headers: {"content-type": "application/json"}, body: JSON.stringify({ email, password })})).json();
        await store.set(other.refresh_token);
      }
      return answer;
    };
    const went = await client.refresh();
    const me = await client.request("GET", "/auth/me");
    say([went, me.status, asked.filter((each) => each === "POST /auth/refresh").length, told]);
    """
    assert run(node, site, script) == [True, 200, 2, []]


def test_a_stronger_proof_is_asked_for_and_the_request_repeated_once(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const first = await raised(client.request("GET", "/stronger"));
    const events = [];
    const onStepUp = async (problem) => events.push(problem.maxAge) > 0;
    const willing = createClient({ url, store, fetch, onStepUp });
    willing.on("stepup", (problem) => events.push(problem.acrValues));
    asked.length = 0;
    const second = await raised(willing.request("GET", "/stronger"));
    const times = asked.filter((each) => each === "GET /stronger").length;
    say([first instanceof StepUpRequired, events, second instanceof StepUpRequired, times, told]);
    """
    assert run(node, site, script) == [True, [["mfa", "hwk"], 300], True, 2, []]


def test_a_token_goes_to_its_app_alone(node: Path, site: Site) -> None:
    script = """
    await client.signIn({ email, password });
    const names = [];
    const paths = ["//evil.example/x", "https://evil.example/x", "http:\\\\\\\\evil.example", "http://127.0.0.1:1/x",
                   "\\\\\\\\evil.example/x"];
    for (const path of paths) names.push((await raised(client.fetch(path)))?.name);
    const options = [{}, { url, mode: "cookie" }, { url, modus: 1 }, { url: "https://ada:secret@app.example" }];
    const made = (each) => { try { createClient(each); return "made"; } catch (error) { return error.name; } };
    say([names, options.map(made)]);
    """
    assert run(node, site, script) == [["TypeError"] * 5, ["TypeError"] * 4]


def test_the_types_are_those_of_the_module(node: Path, typescript: Path, tmp_path: Path) -> None:
    for name in ("mainstay-1.js", "mainstay-1.d.ts"):
        (tmp_path / name).write_text((PAGES / name).read_text())
    (tmp_path / "use.ts").write_text((HERE / "javascript" / "use.ts").read_text())
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(typescript / "node_modules")
    tsc = [str(node), str(typescript / "node_modules" / "typescript" / "bin" / "tsc")]
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2023,dom,dom.iterable"]
    done = subprocess.run([*tsc, *options, "use.ts"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    names = f'import * as m from "{(PAGES / "mainstay-1.js").as_uri()}"; console.log(JSON.stringify(Object.keys(m)))'
    types = (PAGES / "mainstay-1.d.ts").read_text()
    offered = {word.split("(")[0].split(" ")[0] for kind in ("class ", "function ")
               for word in types.split(f"export {kind}")[1:]}  # fmt: skip
    assert set(run_node(node, names)) == offered
