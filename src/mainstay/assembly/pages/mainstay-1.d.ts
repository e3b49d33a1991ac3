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
  /** The tenant's id, sent as `X-Tenant-ID`. */
  tenant?: string | null;
  /** Where the resources are; `/api/v1` unless the app says otherwise. */
  prefix?: string;
  fetch?: typeof globalThis.fetch;
  /** The session is over, here or in another tab: once. */
  onSignedOut?: (event: SignedOut) => void;
  /** Ask for a fresh or a stronger proof; the request is repeated once if this says true. */
  onStepUp?: (problem: StepUpRequired) => boolean | Promise<boolean>;
}

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

/** There was no answer: offline, the server is away, or it took too long. Nobody is signed out by it. */
export class Unreachable extends Error {}

export function memoryStore(): TokenStore;
export function localStore(key?: string): TokenStore;
export function createClient(options?: Options): Client;
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

export interface Client {
  signUp(account: { email: string; password: string; [other: string]: unknown }): Promise<{ email: string }>;
  /** `path` is for other ways of signing in that answer a session, such as a letter's link. */
  signIn(proof: Proof, options?: { path?: string }): Promise<{ scope: string; expiresIn: number }>;
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
