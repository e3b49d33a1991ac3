import { createClient, etagOf, localStore, passkeySupport, Problem, StepUpRequired, Unreachable } from "./mainstay-1.js";
import type { Client, FactorProof, NewKey, SignedIn, TokenStore } from "./mainstay-1.js";

interface Note {
  id: string;
  text: string;
}

const store: TokenStore = { shared: null, get: async () => null, set: async (token: string | null) => {} };
const client: Client = createClient({ url: "https://app.example", mode: "bearer", store, onStepUp: (problem) => problem.maxAge === 3 });
createClient({ mode: "cookie", onSignedOut: ({ reason }) => reason === "ended" });
createClient({ store: localStore() });
createClient({ onSecondFactor: async (problem) => (problem.refused ? null : { code: "123456" }), apiKey: "msk_…" });
createClient({ onStepUp: async ({ maxAge }) => (maxAge === null ? { password: "…" } : { passkey: true }) });
// @ts-expect-error  a password is no second factor
createClient({ onSecondFactor: () => ({ password: "…" }) });
// @ts-expect-error  there is no such mode
createClient({ mode: "tokens" });
// @ts-expect-error  there is no such event
client.on("signed-out", () => {});

const off: () => void = client.on("signedout", (event) => event.reason);
await client.signIn({ email: "ada@example.com", password: "…", remember: true });
const notes = client.resource<Note>("notes");
for await (const note of notes.list({ "text.in": ["a", "b"], sort: "-text", limit: 20 })) note.text.toUpperCase();
const note = await notes.create({ text: "Milk" });
const changed: Note = await notes.update(note, { text: "Oats" }, { ifMatch: etagOf(note) });
// @ts-expect-error  notes have no colour
await notes.update(note.id, { colour: "red" });
await notes.delete(changed);
const { data } = await client.request<{ email: string }>("GET", "/auth/me");
data.email.length;
const answer: Response = await client.fetch("/report");
try {
  await client.batch([{ method: "POST", path: "/notes", body: { text: "x" } }]);
} catch (error) {
  if (error instanceof StepUpRequired) error.acrValues.join();
  else if (error instanceof Problem) error.errors[0]?.loc.length;
  else if (error instanceof Unreachable) error.cause;
}
const shown: FactorProof = { recovery_code: "k7qd-m3xw-9tzf-2hbn" };
const waiting: unknown = await client.signIn({ email: "ada@example.com", password: "…" }).catch((error) => error);
const entered: SignedIn = await client.finishSignIn(waiting instanceof Problem ? waiting : null, shown);
const chosen: SignedIn | null = await client.signInWithPasskey({ conditional: true, remember: true });
const alone: SignedIn = await client.signInWithPasskey();
const letter = await client.askForLetter("ada@example.com", { codeOnly: true });
await client.signInByLetter(letter, "123456", { scope: "profile:read" });
const { methods } = await client.stepUp({ code: "123456" });
const codes: string[] = (await client.factors.addPasskey("This laptop")).recovery_codes;
const key: NewKey = await client.keys.create({ name: "nightly", scopes: ["notes:read"], expires_at: new Date() });
const devices: string[] = (await client.sessions.all()).map((each) => each.device);
const { conditional }: { conditional: boolean } = await passkeySupport();
const name: string | null = (await client.account.me()).display_name;
// @ts-expect-error  a proof is one of them
await client.stepUp({ pin: "1234" });
export { alone, chosen, codes, conditional, devices, entered, key, methods, name };
const count: number = await client.signOutEverywhere();
export { answer, count, off };
