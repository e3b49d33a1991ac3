"""What clients say to the server: signing in and out, requests that prove who is calling, proofs that are asked for."""

import threading
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, TypedDict

import httpx2

from mainstay.client.errors import SECOND_FACTOR, ClientError, Problem, StepUpRequired, Unreachable, problem_of, told
from mainstay.client.kept import PAUSES, Kept, SignedOut, seconds, spread
from mainstay.client.steps import Ask, Flow, Pause, Send
from mainstay.client.stores import MemoryStore, Tokens, TokenStore
from mainstay.client.wire import RequestOptions, Wire, with_bearer

LONGEST_PAUSE = 5.0
PASSING = (502, 503, 504)
TRIES = 5  # how often a proof is asked for after one that was not taken
NOT_TAKEN = ("factor_refused", "passkey_refused", "wrong_password")
Proof = Mapping[str, Any]
StepUp = Callable[[StepUpRequired], bool | Proof | Awaitable[bool | Proof | None] | None] | None
SecondFactor = Callable[[Problem], Proof | Awaitable[Proof | None] | None] | None


class ClientOptions(TypedDict, total=False):
    """What both clients take. Their docstring says what each is for."""

    store: TokenStore | None
    api_key: str | None
    tenant: str | None
    prefix: str
    on_signed_out: SignedOut
    on_step_up: StepUp
    on_second_factor: SecondFactor


# The sessions whose program is being asked for a proof, here: what it asks meanwhile is refused, and not asked about.
_asking: ContextVar[frozenset["Session"]] = ContextVar("mainstay_client_asking", default=frozenset())


class Session:
    """One session with one app, or one API key, for any number of threads or tasks."""

    def __init__(self, url: str, options: ClientOptions) -> None:
        known = ClientOptions.__annotations__
        if unknown := [name for name in options if name not in known]:
            raise TypeError(f"A client knows no option {', '.join(unknown)}; it knows {', '.join(known)}.")
        store, self._api_key = options.get("store"), options.get("api_key")
        if store is not None and self._api_key is not None:
            raise ClientError("An API key is no session: give `store` or `api_key`.")
        self.prefix = options.get("prefix", "/api/v1")
        self._wire = Wire(url, options.get("tenant"))
        self.kept = Kept(self._wire, MemoryStore() if store is None else store, options.get("on_signed_out"))
        self._on_step_up = options.get("on_step_up")
        self._on_second_factor = options.get("on_second_factor")
        self._question = threading.Lock()
        # How often the program was asked for another proof, and whether it had one.
        self._questions, self._proved = 0, False

    @property
    def is_on(self) -> bool:
        return self._api_key is not None or self.kept.store.read() is not None

    # -- Signing in and out

    def enter(self, path: str, proof: Proof) -> Flow[str]:
        """The scopes that were given. Where a second factor is wanted the program is asked for one."""
        self.needs_no_key()
        try:
            answer = yield from self.request("POST", path, {"json": proof, "anonymous": True})
        except Problem as problem:
            if problem.code != SECOND_FACTOR or self._on_second_factor is None:
                raise
            waiting = problem
        else:
            return (yield from self._entered(answer))
        for _ in range(TRIES):
            if not (shown := (yield Ask(self._on_second_factor, waiting))):
                break
            try:
                return (yield from self.finish(waiting, shown))
            except Problem as refused:
                if refused.code not in NOT_TAKEN:
                    raise
                waiting.refused = refused
        raise waiting

    def finish(self, waiting: Problem, proof: Proof) -> Flow[str]:
        """The second step of a sign-in that was answered `second_factor_required`."""
        ticket = waiting.members.get("ticket")
        if waiting.code != SECOND_FACTOR or ticket is None:
            raise ClientError(f"This refusal ({waiting.code or waiting.status}) is not of a sign-in that waits.")
        asked: RequestOptions = {"json": {"ticket": ticket, **proof}, "anonymous": True}
        return (yield from self._entered((yield from self.request("POST", "/auth/sign-in/factor", asked))))

    def _entered(self, answer: httpx2.Response) -> Flow[str]:
        tokens = Tokens.answered(answer)
        yield from self.kept.keep(tokens)
        return str(told(answer).get("scope", ""))

    def leave(self, path: str) -> Flow[int]:
        """How many sessions ended, where the server says. The tokens are forgotten even if it cannot be reached."""
        self.needs_no_key()
        try:
            answer = yield from self.request("POST", path, {})
            return int(told(answer)["count"]) if answer.content else 0
        except Problem as problem:
            if problem.status != 401:
                raise
            return 0
        finally:
            self.kept.end("signed-out")

    def needs_no_key(self) -> None:
        """Raises ClientError for a client with an API key."""
        if self._api_key is not None:
            raise ClientError("This client has an API key, which signs in nowhere: make one without.")

    def bearer(self) -> Flow[str | None]:
        """What goes behind `Bearer`; None when nobody is signed in."""
        if self._api_key is not None:
            return self._api_key
        tokens = yield from self.kept.fresh()
        return None if tokens is None else tokens.access_token

    # -- Requests

    def request(self, method: str, path: str, options: RequestOptions) -> Flow[httpx2.Response]:
        """The answer. Raises Problem for a refusal, unless `check` is false, and Unreachable.

        A read, and whatever has an idempotency key, is repeated where the answer was lost.
        """
        send = self._wire.request(method, path, options)
        own = options.get("anonymous", False) or any(name.lower() == "authorization" for name in send.headers)
        for pause in (*PAUSES, None) if send.again else (None,):
            try:
                answer = (yield send) if own else (yield from self._stronger(send))
            except Unreachable as error:
                if pause is None or error.tried:
                    raise
                after = 0.0
            else:
                if answer.is_success or not options.get("check", True):
                    return answer
                problem = problem_of(answer)
                after = seconds(answer.headers.get("retry-after"))
                passing = answer.status_code in PASSING or problem.code == "idempotency_in_flight"
                if pause is None or not passing or after > LONGEST_PAUSE:
                    raise problem
            yield spread(max(pause, after))
        raise Unreachable

    def _stronger(self, send: Send) -> Flow[httpx2.Response]:
        """The answer to a request that says who is calling; repeated once there is the proof that it asked for."""
        for _ in range(TRIES):
            seen = self._questions
            answer = yield from self._called(send)
            problem = problem_of(answer) if answer.status_code == 401 else None
            if not isinstance(problem, StepUpRequired):
                return answer
            asked, proved = yield from self._prove(problem, seen)
            if not proved:
                return answer
            if asked:
                return (yield from self._called(send))
        return answer

    def _called(self, send: Send) -> Flow[httpx2.Response]:
        """With the token there is, and after a 401 with what is exchanged then."""
        answer: httpx2.Response
        if self._api_key is not None:
            answer = yield with_bearer(send, self._api_key)
            return answer
        before = self.kept.exchanged
        tokens = yield from self.kept.fresh()
        answer = yield with_bearer(send, None if tokens is None else tokens.access_token)
        if not (_is_refused(answer) or (send.again and _is_unsaid(answer))):
            return answer
        for _ in range(2):
            if tokens is None or (tokens := (yield from self.kept.renew(tokens))) is None:
                return answer
            answer = yield with_bearer(send, tokens.access_token)
            if not _is_refused(answer):
                return answer
            if self.kept.exchanged != before:
                break  # what another process exchanged may be old by now; this was fresh
        if tokens is not None:
            yield from self.kept.refused(tokens)
        return answer

    # -- Proofs

    def step_up(self, proof: Proof) -> Flow[Any]:
        """Prove once more who is calling (RFC 9470). Raises Problem for a proof that is not taken."""
        wanted = _asking.get()
        _asking.set(wanted | {self})  # a refusal is this one's answer, and no new question
        try:
            return told((yield from self.request("POST", "/auth/step-up", {"json": proof})))
        finally:
            _asking.set(wanted)

    def _prove(self, problem: StepUpRequired, seen: int) -> Flow[tuple[bool, bool]]:
        """Whether the program was asked, and whether there is another proof now. All who wait meanwhile share it."""
        if self._on_step_up is None or self._api_key is not None or self in _asking.get():
            return False, False
        wait = 0.005
        while not self._question.acquire(blocking=False):
            yield Pause(wait)
            wait = min(wait * 2, 0.2)
        try:
            if self._questions != seen:
                return False, self._proved
            try:
                self._proved = yield from self._asked(self._on_step_up, problem)
            except Exception:
                self._proved, self._questions = False, self._questions + 1
                raise
            self._questions += 1
            return True, self._proved
        finally:
            self._question.release()

    def _asked(self, hook: Callable[[StepUpRequired], Any], problem: StepUpRequired) -> Flow[bool]:
        wanted = _asking.get()
        for _ in range(TRIES):
            _asking.set(wanted | {self})
            try:
                proof = yield Ask(hook, problem)
            finally:
                _asking.set(wanted)
            if not isinstance(proof, Mapping):
                return bool(proof)
            try:
                yield from self.step_up(proof)
                return True
            except Problem as refused:
                if isinstance(refused, StepUpRequired):
                    problem = refused  # this proof was good, and is not enough
                elif refused.code in NOT_TAKEN:
                    problem.refused = refused
                else:
                    raise
        return False


def _is_refused(answer: httpx2.Response) -> bool:
    """The token was; a route's own 401 says no such thing."""
    return answer.status_code == 401 and 'error="invalid_token"' in answer.headers.get("www-authenticate", "")


def _is_unsaid(answer: httpx2.Response) -> bool:
    """It may have been the token: what stands in between, or a route, refuses and does not say why."""
    return answer.status_code == 401 and "www-authenticate" not in answer.headers
