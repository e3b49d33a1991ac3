import { createClient, etagOf, localStore, Problem, StepUpRequired, Unreachable } from "./mainstay-1.js";
import type { Client, TokenStore } from "./mainstay-1.js";

interface Note {
  id: string;
  text: string;
}

const store: TokenStore = { shared: null, get: async () => null, set: async (token: string | null) => {} };
const client: Client = createClient({ url: "https://app.example", mode: "bearer", store, onStepUp: (problem) => problem.maxAge === 3 });
createClient({ mode: "cookie", onSignedOut: ({ reason }) => reason === "ended" });
createClient({ store: localStore() });
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
const count: number = await client.signOutEverywhere();
export { answer, count, off };
