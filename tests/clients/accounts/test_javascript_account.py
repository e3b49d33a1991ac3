"""The JavaScript client in Node: one's account, second factors, proofs that are asked for, strangers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.clients.accounts.conftest import PASSWORD, Shop, Stranger
from tests.clients.conftest import run_node
from tests.clients.test_javascript_in_node import PAGES

START = """
import { inspect } from "node:util";
import { createClient, memoryStore, Problem, StepUpRequired, Unreachable } from "%s";
const [url, email, password, ...more] = process.argv.slice(2);
const told = [];
const store = { ...memoryStore() };
const make = (options) => createClient({ url, store, onSignedOut: (event) => told.push(event.reason), ...options });
const client = make();
const raised = async (promise) => { try { await promise; return null; } catch (error) { return error; } };
const say = (what) => console.log(JSON.stringify(what));
const test = async (what, query) => (await fetch(`${url}/test/${what}?${new URLSearchParams(query)}`)).text();
const withApp = async (using = client) => {
  await using.signIn({ email, password });
  const { secret } = await using.factors.beginTotp();
  return { secret, codes: await using.factors.confirmTotp(await test("code", { secret })) };
};
""" % (PAGES / "mainstay-1.js").as_uri()  # noqa: UP031  braces are JavaScript's


def run(node: Path, shop: Shop, script: str, *more: str) -> Any:
    return run_node(node, START + script, shop.url, shop.somebody(), PASSWORD, *more)


def test_an_account_from_sign_up_to_deletion(node: Path, shop: Shop) -> None:
    script = """
    const { account } = client, mine = "new" + email, other = "other" + email, next = "another horse battery";
    await client.signUp({ email: mine, password });
    await account.resendVerification(mine);
    const { email_verified } = await account.verifyEmail(await test("letter", { email: mine }));
    await client.signIn({ email: mine, password });
    const { display_name } = await account.update({ display_name: "Ada" });
    const { roles } = await account.me();
    const { theme } = await account.updatePreferences({ theme: "dark" });
    const same = (await account.preferences()).theme === theme;
    const profile = [await account.updateProfile({}), await account.profile()];
    await account.changePassword(password, next);
    await account.changeEmail(other, next);
    const changed = (await account.confirmEmail(await test("letter", { email: other }))).email === other;
    await account.forgotPassword(other);
    await account.resetPassword(await test("letter", { email: other }), password);
    const over = (await raised(account.me())).status;
    await client.signIn({ email: other, password });
    const at = await account.delete(password);
    const on = await client.isSignedIn();
    say([email_verified, display_name, roles, same, profile, changed, over, at > "2026", on, told]);
    """
    found = run(node, shop, script)
    assert found == [True, "Ada", ["user"], True, [{}, {}], True, 401, True, False, ["ended", "signed-out"]]


def test_a_second_factor_finishes_a_sign_in_and_its_ticket_is_printed_nowhere(node: Path, shop: Shop) -> None:
    script = """
    const { secret, codes } = await withApp();
    const waiting = await raised(client.signIn({ email, password }));
    const { code, members: { methods, ticket } } = waiting;
    const printed = (inspect(waiting, { depth: 5 }) + JSON.stringify(waiting)).includes(ticket);
    const wrong = (await raised(client.finishSignIn(waiting, { code: "000000" }))).code;
    const { scope } = await client.finishSignIn(waiting, { code: await test("code", { secret }) });
    const asked = [];
    const onSecondFactor = (problem) => {
      asked.push(problem.refused?.code ?? problem.code);
      return [{ code: "000000" }, { recovery_code: codes[0] }, null][asked.length - 1];
    };
    const willing = make({ onSecondFactor });
    await willing.signIn({ email, password });
    const left = (await willing.factors.get()).recovery_codes_left;
    const gaveUp = (await raised(willing.signIn({ email, password }))).code;
    asked.length = 1;
    codes.shift();
    await willing.signInByLetter(await willing.askForLetter(email), await test("letter", { email }));
    const renewed = (await willing.factors.newRecoveryCodes()).length;
    await willing.factors.removeTotp();
    await client.signIn({ email, password });
    const none = await raised(client.finishSignIn(null, { code: "000000" }));
    say([codes.length, code, methods, printed, wrong, scope.length > 0, asked, left, gaveUp, renewed, none.name]);
    """
    assert run(node, shop, script) == [
        9, "second_factor_required", ["totp", "recovery_code"], False, "factor_refused", True,
        ["second_factor_required", "second_factor_required"], 9, "second_factor_required", 10, "TypeError",
    ]  # fmt: skip


def test_requests_that_need_another_proof_at_once_cause_one_question(node: Path, shop: Shop) -> None:
    script = """
    const asked = [];
    let answers;
    const onStepUp = (problem) => { asked.push([problem.maxAge, problem.refused?.code ?? null]); return answers(); };
    const willing = make({ onStepUp });
    const { secret } = await withApp(willing);
    const payOut = async () => (await willing.request("POST", "/payouts")).data;
    await test("later", { seconds: 400 });
    answers = async () => ({ code: asked.length === 1 ? "000000" : await test("code", { secret }) });
    const numbers = await Promise.all(Array.from({ length: 12 }, payOut));
    const once = [...asked];
    await payOut();
    await test("later", { seconds: 400 });
    // One's own way of proving it; what is asked meanwhile is not asked about where it says so.
    answers = async () => {
      const inner = await raised(willing.request("POST", "/payouts", { stepUp: false }));
      const weak = await raised(willing.stepUp({ password }));
      await willing.stepUp({ code: await test("code", { secret }) });
      return inner instanceof StepUpRequired && weak instanceof StepUpRequired;
    };
    await payOut();
    const later = asked.length;
    await test("later", { seconds: 400 });
    answers = () => null;
    const errors = await Promise.all([1, 2, 3].map(() => raised(payOut())));
    answers = () => { throw new Error("closed"); };
    const closed = await Promise.all([1, 2].map(() => raised(payOut())));
    say([new Set(numbers).size, once, later, errors.every((each) => each instanceof StepUpRequired), asked.length,
         closed.map((each) => each.message)]);
    """
    once = [[300, None], [300, "factor_refused"]]
    assert run(node, shop, script) == [12, once, 3, True, 5, ["closed", "closed"]]


def test_sessions_and_keys(node: Path, shop: Shop) -> None:
    script = """
    await client.signIn({ email, password });
    const other = createClient({ url });
    await other.signIn({ email, password });
    const found = await client.sessions.all();
    await client.sessions.end(found.find((each) => !each.current).id);
    await test("later", { seconds: 2 });
    const over = (await raised(other.account.me())).status;
    const made = await client.keys.create({ name: "nightly", scopes: ["profile:read"] });
    const program = createClient({ url, apiKey: made.key });
    const me = await program.account.me();
    await test("later", { seconds: 1 });
    const newer = await client.keys.rotate(made.id, { overlap: 0 });
    const hints = (await client.keys.all()).map((each) => each.hint);
    const gone = (await raised(program.account.me())).status;
    await client.keys.revoke(made.id);
    const none = (await raised(client.keys.get(made.id))).status;
    const refusals = [program.signIn({ email, password }), program.signOut(), program.refresh()].map(raised);
    const both = await raised((async () => createClient({ url, apiKey: "msk_x", store }))());
    const shown = inspect(program, { depth: 5, showHidden: true }).includes(made.key);
    say([found.length, over, me.api_key_id === made.id, hints[0] === newer.hint, gone, none, await program.isSignedIn(),
         (await Promise.all(refusals)).map((error) => error.name), both.name, shown]);
    """
    assert run(node, shop, script) == [2, 401, True, True, 401, 404, True, ["TypeError"] * 3, "TypeError", False]


def test_no_secret_follows_a_redirect(node: Path, shop: Shop, strangers: Callable[[], Stranger]) -> None:
    front, other = strangers(), strangers()
    for path in ("/auth/refresh", "/auth/sign-in", "/auth/step-up", "/orders"):
        front.answer(path, 307, Location=other.url + path)
    front.answer("/report", 302, Location=other.url + "/report")
    other.answer("/report", 200, {})
    script = """
    const [front, secret] = more;
    const away = createClient({ url: front, store });
    const errors = [await raised(away.signIn({ email, password }))];
    await client.signIn({ email, password });
    const real = globalThis.fetch;
    const mixed = createClient({ url: front, store, fetch: (target, init) =>
      real(target.endsWith("/auth/refresh") && !broken ? url + "/auth/refresh" : target, init) });
    let broken = false;
    errors.push(await raised(mixed.stepUp({ password })), await raised(mixed.request("POST", "/orders", { body: {} })));
    const report = (await mixed.request("GET", "/report")).status;
    broken = true;
    const lost = await raised(mixed.refresh());
    say([errors.map((error) => [error.code, error.status]), report, lost instanceof Unreachable]);
    """
    assert run(node, shop, script, front.url, "x") == [[["redirected", 307]] * 3, 200, True]
    assert [(heard[1], heard[2].get("authorization")) for heard in other.heard] == [("/report", None)]
    assert "authorization" in next(heard[2] for heard in front.heard if heard[1] == "/report")


def test_a_portal_signs_nobody_out_and_a_server_that_wants_rest_has_it(
    node: Path, shop: Shop, strangers: Callable[[], Stranger]
) -> None:
    portal, tired = strangers(), strangers()
    portal.answer("/auth/refresh", 200, b"{}")
    portal.answer("/auth/sign-in", 200, b"{}")
    tired.answer("/auth/refresh", 429, {"code": "too_many_requests"}, Retry_After="30")
    script = """
    const [portal, tired] = more;
    await store.set("mrt_kept");
    const caught = make({ url: portal });
    const errors = [await raised(caught.refresh()), await raised(caught.signIn({ email, password }))];
    const kept = await store.get();
    const patient = make({ url: tired });
    const refusals = [];
    for (let i = 0; i < 4; i++) refusals.push((await raised(patient.account.me())).status);
    say([errors.map((error) => [error.name, error.message]), kept, refusals, await store.get(), told]);
    """
    lost = ["Unreachable", "Something else than the app answered."]
    assert run(node, shop, script, portal.url, tired.url) == [[lost] * 2, "mrt_kept", [429] * 4, "mrt_kept", []]
    assert tired.paths() == ["/auth/refresh"]


def test_what_must_not_be_done_twice_is_not_repeated_for_a_routes_own_401(node: Path, shop: Shop) -> None:
    shop.done.clear()
    script = """
    await client.signIn({ email, password });
    const once = await raised(client.request("POST", "/done-and-401"));
    await test("later", { seconds: 700 });
    const fresh = await raised(client.request("POST", "/done-and-401"));
    await test("later", { seconds: 700 });
    const body = async function* () { yield new TextEncoder().encode("gone when it was sent"); };
    const stream = await client.fetch("/done-and-401", { method: "POST", body: body(), duplex: "half" });
    say([once.status, fresh.status, stream.status, await client.isSignedIn(), told]);
    """
    assert run(node, shop, script) == [401, 401, 401, True, []]
    assert len(shop.done) == 2
