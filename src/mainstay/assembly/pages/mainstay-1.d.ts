/**
 * Mainstay's client for browsers and Node 20.
 *
 * ```js
 * import { createClient } from "/mainstay-1.js";
 *
 * const client = createClient();
 * await client.signIn({ email, password });
 * for await (const note of client.resource("notes").list()) show(note);
 * ```
 */

export interface Options {
  /** Where the app is: the page's own origin unless you say otherwise; needed in Node. A path is kept. */
  url?: string;
  /**
   * `"cookie"` (in pages): the session is in a cookie that scripts cannot read; the CSRF token is sent for you.
   * `"bearer"` (elsewhere): the access token is in memory, the refresh token in `store`.
   */
  mode?: "cookie" | "bearer";
  /** Where the refresh token is; in memory unless you say otherwise. */
  store?: TokenStore;
  /** In programs, in place of a session: it speaks for its owner. */
  apiKey?: string | null;
  /** The tenant's id, sent as `X-Tenant-ID`. */
  tenant?: string | null;
  /** Where the resources are; `/api/v1` unless the app says otherwise. */
  prefix?: string;
  fetch?: typeof globalThis.fetch;
  /** The session is over, here or in another tab: once. */
  onSignedOut?: (event: SignedOut) => void;
  /**
   * Something needs a fresh or a stronger proof. Answer one, or true when you have called `stepUp` yourself; the request is
   * repeated. Asked again, with `problem.refused`, where the proof is not taken. Of requests that need one at once, one
   * asks. What you request in here says `stepUp: false`.
   */
  onStepUp?: (problem: StepUpRequired) => StepUpProof | boolean | null | Promise<StepUpProof | boolean | null>;
  /** A sign-in needs a second factor, one of `problem.members.methods`. Answer it, or null to leave it at that. */
  onSecondFactor?: (problem: Problem) => FactorProof | null | Promise<FactorProof | null>;
}

/** A second factor. A passkey is asked for by the client, in the browser. */
export type FactorProof = { code: string } | { recovery_code: string } | { passkey: true };
/** `password` is for accounts without a second factor. */
export type StepUpProof = { password: string } | FactorProof;

/** Where the refresh token is. Those with the same `shared` name hold the same token, in all tabs; null is yours alone. */
export interface TokenStore {
  readonly shared: string | null;
  get(): string | null | Promise<string | null>;
  set(token: string | null): void | Promise<void>;
}

export interface SignedOut {
  /** `signed-out`: somebody did. `ended`: revoked or too old. `refused`: a fresh token was refused. */
  reason: "signed-out" | "ended" | "refused";
}

export interface Proof {
  email?: string;
  password?: string;
  /** Fewer scopes than your roles give, separated by spaces. */
  scope?: string;
  remember?: boolean;
  [other: string]: unknown;
}

export interface FieldError {
  loc: (string | number)[];
  code: string;
  message: string;
}

/** A refusal, RFC 9457. */
export class Problem extends Error {
  constructor(status: number, members?: Record<string, unknown>, headers?: Headers);
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly errors: FieldError[];
  readonly requestId: string;
  /** Where a proof is asked for again: why the last one was not taken. */
  readonly refused: Problem | null;
  /** Everything that the answer said. */
  readonly members: Record<string, unknown>;
  readonly headers: Headers;
}

/** A more recent or a stronger sign-in is needed, RFC 9470. */
export class StepUpRequired extends Problem {
  readonly acrValues: string[];
  /** Seconds. */
  readonly maxAge: number | null;
}

/** There was no answer: offline, the server is away, it took too long, or something else answered in its place. Nobody is signed out by it. */
export class Unreachable extends Error {}

export function memoryStore(): TokenStore;
export function localStore(key?: string): TokenStore;
export function createClient(options?: Options): Client;
/** What this browser can do; `conditional`: offer passkeys among the suggestions of a form. */
export function passkeySupport(): Promise<{ passkeys: boolean; conditional: boolean }>;
/** The version of a row that this client answered; undefined for the rows of a list. */
export function etagOf(row: object): string | undefined;

export interface RequestOptions {
  query?: Query;
  /** Sent as JSON. */
  body?: unknown;
  headers?: HeadersInit;
  ifMatch?: string;
  /** Repeats are done once; with it, a request whose answer is lost is repeated. Reads are repeated anyway. */
  idempotencyKey?: string;
  signal?: AbortSignal;
  /** Without proof of who is calling. */
  anonymous?: boolean;
  /** `false`: where another proof is needed, that is the answer, and nobody is asked for one. */
  stepUp?: boolean;
}

export interface Answer<T> {
  status: number;
  headers: Headers;
  data: T;
}

type Value = string | number | boolean | Date;
/** Lists are sent as one CSV record: `{"tags.in": ["a", "b"], sort: ["-created_at", "title"]}`. */
export type Query = Record<string, Value | null | readonly Value[] | undefined>;

export interface Events {
  signedin: undefined;
  signedout: SignedOut;
  stepup: StepUpRequired;
}

export interface SignedIn {
  scope: string;
  expiresIn: number;
}

/** What a session that is asked for should be. */
export interface Wishes {
  scope?: string;
  remember?: boolean;
}

export interface Client {
  readonly account: Account;
  readonly factors: Factors;
  readonly sessions: Sessions;
  readonly keys: Keys;
  signUp(account: { email: string; password: string; [other: string]: unknown }): Promise<{ email: string }>;
  /**
   * Throws a Problem with the code `second_factor_required` where a second step has to follow and `onSecondFactor` does not
   * say it. `path` is for other ways of signing in that answer a session.
   */
  signIn(proof: Proof, options?: { path?: string }): Promise<SignedIn>;
  /** Show the second factor, a few times if need be. A page that comes back from another provider has null to hand over. */
  finishSignIn(waiting: Problem | null, proof: FactorProof): Promise<SignedIn>;
  /**
   * With a passkey alone: no name, no password. `conditional`: as one of the suggestions of a field with
   * `autocomplete="username webauthn"`; waits until it is chosen, and answers null where this browser has no such thing or
   * another passkey is asked for meanwhile.
   */
  signInWithPasskey(options?: Wishes & { conditional?: false; signal?: AbortSignal }): Promise<SignedIn>;
  signInWithPasskey(options: Wishes & { conditional: boolean; signal?: AbortSignal }): Promise<SignedIn | null>;
  /** A letter to sign in with goes there, if there is an account. */
  askForLetter(email: string, options?: { codeOnly?: boolean }): Promise<Letter>;
  /** With the letter's token or code; as `signIn`. */
  signInByLetter(letter: Letter, proof: string, wishes?: Wishes): Promise<SignedIn>;
  /** Prove once more who is calling. */
  stepUp(proof: StepUpProof): Promise<{ methods: string[]; authenticated_at: string }>;
  signOut(): Promise<number>;
  /** On every device; how many sessions ended. */
  signOutEverywhere(): Promise<number>;
  /** Whether there is a session, as far as is known here without asking. */
  isSignedIn(): Promise<boolean>;
  /** Exchange the session's token now; whether there is a session afterwards. You need not call it. */
  refresh(): Promise<boolean>;
  /** As the platform's `fetch`, to this app alone, with proof of who is calling. Refusals are answers. */
  fetch(path: string | URL, init?: RequestInit): Promise<Response>;
  /** Raises Problem for a refusal and Unreachable where there is no answer. */
  request<T = any>(method: string, path: string, options?: RequestOptions): Promise<Answer<T>>;
  resource<Row extends object = Record<string, any>>(name: string): ResourceClient<Row>;
  /** All or none, in order. */
  batch(operations: readonly Operation[], options?: { idempotencyKey?: string }): Promise<Result[]>;
  /** Returns what takes the listener away again. */
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  /** Listen to the other tabs no longer. */
  close(): void;
}

/** Answers are those of the routes in docs/reference/identity.md; moments are texts of RFC 3339. */
export interface User {
  id: string;
  email: string;
  email_verified: boolean;
  username: string | null;
  display_name: string | null;
  language: string | null;
  created_at: string;
}

/** Without the scope `profile:read` whatever tells who it is, is null. */
export interface Me {
  id: string;
  email: string | null;
  email_verified: boolean | null;
  username: string | null;
  display_name: string | null;
  language: string | null;
  created_at: string | null;
  roles: string[];
  scopes: string[];
  session_id: string | null;
  api_key_id: string | null;
  impersonator_id: string | null;
  avatar: string | null;
  profile: Record<string, any> | null;
}

export interface Letter {
  email: string;
  request: string;
  /** Seconds. */
  expires_in: number;
}

export interface Account {
  me(): Promise<Me>;
  /** What is left out stays, null takes away. */
  update(changes: { username?: string | null; display_name?: string | null; language?: string | null }): Promise<User>;
  /** The app's own fields. */
  profile(): Promise<Record<string, any>>;
  updateProfile(changes: Record<string, unknown>): Promise<Record<string, any>>;
  preferences(): Promise<Record<string, any>>;
  updatePreferences(changes: Record<string, unknown>): Promise<Record<string, any>>;
  /** With the letter's token; then sign in. */
  verifyEmail(token: string): Promise<User>;
  resendVerification(email: string): Promise<void>;
  /** Ask for the letter that sets a new password. */
  forgotPassword(email: string): Promise<void>;
  /** With that letter's token. All of the account's sessions end. */
  resetPassword(token: string, password: string): Promise<void>;
  /** All other sessions end. */
  changePassword(current: string, next: string): Promise<void>;
  /** A letter goes to the new address; its token is for `confirmEmail`. */
  changeEmail(email: string, password: string): Promise<void>;
  confirmEmail(token: string): Promise<User>;
  /** When it is erased. Every session ends now; whoever signs in before that keeps the account. */
  delete(password: string): Promise<string>;
}

export interface Factors {
  get(): Promise<{
    app_since: string | null;
    passkeys: { id: string; name: string; created_at: string; last_used_at: string | null; [other: string]: unknown }[];
    recovery_codes_left: number;
    offered: ("totp" | "passkey")[];
  }>;
  /** Have an authenticator app scan the picture; `confirmTotp` takes a code of it. */
  beginTotp(): Promise<{ secret: string; uri: string; svg: string; png: string }>;
  /** The recovery codes, with the first factor: told this once. */
  confirmTotp(code: string): Promise<string[]>;
  removeTotp(): Promise<void>;
  /** The browser makes one; `recovery_codes` with the first factor. */
  addPasskey(name: string, options?: { signal?: AbortSignal }): Promise<{ id: string; recovery_codes: string[] }>;
  renamePasskey(id: string, name: string): Promise<void>;
  removePasskey(id: string): Promise<void>;
  /** Those before are void. */
  newRecoveryCodes(): Promise<string[]>;
}

/** One of one's sessions; `current` is this one. */
export interface Device {
  id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  device: string;
  user_agent: string | null;
  address: string | null;
  place: string | null;
  kind: "bearer" | "cookie";
  remembered: boolean;
  methods: string[];
  impersonated: boolean;
  current: boolean;
}

export interface Sessions {
  /** The one that was used last first. */
  all(): Promise<Device[]>;
  end(id: string): Promise<void>;
}

export interface Key {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  created_at: string;
  created_by: string;
  expires_at: string | null;
  last_used_at: string | null;
}

/** `key` is told this once. */
export interface NewKey extends Key {
  key: string;
}

export interface Keys {
  all(): Promise<Key[]>;
  get(id: string): Promise<Key>;
  create(key: { name: string; scopes: string[]; expires_at?: string | Date | null }): Promise<NewKey>;
  /** A new secret; the old one is good for `overlap` seconds more. */
  rotate(id: string, options?: { overlap?: number }): Promise<NewKey>;
  revoke(id: string): Promise<void>;
}

export interface Page<Row> {
  items: Row[];
  next: string | null;
  prev: string | null;
  count?: number;
}

export interface Writing {
  /** The version that is to be changed; that of the row, if a row is handed over. */
  ifMatch?: string;
  idempotencyKey?: string;
  query?: Query;
}

export interface ResourceClient<Row extends object> {
  page(query?: Query): Promise<Page<Row>>;
  /** Every row, page by page. */
  list(query?: Query): AsyncGenerator<Row, void, undefined>;
  get(id: string, query?: Query): Promise<Row>;
  create(body: Partial<Row>, options?: Omit<Writing, "ifMatch">): Promise<Row>;
  /** Only the fields that are sent. A row that this client answered is changed only if nobody else has since: else 412. */
  update(row: string | Row, changes: Partial<Row>, options?: Writing): Promise<Row>;
  replace(row: string | Row, body: Partial<Row>, options?: Writing): Promise<Row>;
  delete(row: string | Row, options?: Omit<Writing, "query">): Promise<void>;
}

export interface Operation {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
  headers?: Record<string, string>;
}

export interface Result {
  status: number;
  headers: Record<string, string>;
  body: any;
}
