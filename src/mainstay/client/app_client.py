"""What both clients offer of an app."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, Unpack
from uuid import uuid4

import httpx2

from mainstay.client.account import Account, Factors, Keys, Sessions
from mainstay.client.answers import Letter, Proved
from mainstay.client.errors import Problem, told
from mainstay.client.face import Face, Operation
from mainstay.client.resource import Rows
from mainstay.client.session import ClientOptions, Session
from mainstay.client.steps import Flow
from mainstay.client.wire import RequestOptions

D = TypeVar("D")


class AppClient(Face[D]):
    """A session with one app; Client and AsyncClient are this."""

    def __init__(self, url: str, driver: D, options: ClientOptions) -> None:
        super().__init__(driver, Session(url, options))
        self.account: Account[D] = Account(driver, self._session)
        self.factors: Factors[D] = Factors(driver, self._session)
        self.sessions: Sessions[D] = Sessions(driver, self._session)
        self.keys: Keys[D] = Keys(driver, self._session)

    @property
    def is_signed_in(self) -> bool:
        """Whether there are tokens, or an API key; the server is not asked."""
        return self._session.is_on

    def resource(self, name: str) -> Rows[D]:
        return Rows(self._driver, self._session, name)

    @Operation
    def sign_up(self, /, email: str, password: str, **account: Any) -> Flow[dict[str, Any]]:
        return self._told("POST", "/auth/sign-up", {"email": email, "password": password, **account}, anonymous=True)

    @Operation
    def sign_in(self, /, email: str, password: str, **wishes: Any) -> Flow[str]:
        """Start a session; the scopes it has. `scope` asks for fewer.

        Raises Problem, with the code `second_factor_required` where a second step has to follow and the program has not
        said in `on_second_factor` where the factor comes from: `finish_sign_in` takes it.
        """
        return self._session.enter("/auth/sign-in", {"email": email, "password": password, **wishes})

    @Operation
    def sign_in_by(self, path: str, proof: Mapping[str, Any]) -> Flow[str]:
        """Any other way of signing in that answers a session."""
        return self._session.enter(path, proof)

    @Operation
    def finish_sign_in(self, /, waiting: Problem, **proof: Any) -> Flow[str]:
        """Show the second factor: `code=`, `recovery_code=` or `passkey=`. It may be tried a few times."""
        return self._session.finish(waiting, proof)

    @Operation
    def ask_for_letter(self, email: str, *, code_only: bool = False) -> Flow[Letter]:
        """A letter to sign in with goes there; `sign_in_by_letter` takes its token or code."""
        body = {"email": email, "code_only": code_only}
        return self._told("POST", "/auth/sign-in/mail", body, anonymous=True)

    @Operation
    def sign_in_by_letter(self, /, letter: Letter, proof: str, **wishes: Any) -> Flow[str]:
        """Start a session with a letter's token or code; as sign_in."""
        body = {"request": letter["request"], "proof": proof, **wishes}
        return self._session.enter("/auth/sign-in/mail/confirm", body)

    @Operation
    def step_up(self, /, **proof: Any) -> Flow[Proved]:
        """Prove once more who is calling: `password=`, `code=`, `recovery_code=`, or `passkey=` and its `ticket=`."""
        return self._session.step_up(proof)

    @Operation
    def sign_out(self) -> Flow[None]:
        """End this session. The tokens are forgotten even where the server cannot be reached."""
        yield from self._session.leave("/auth/sign-out")

    @Operation
    def sign_out_everywhere(self) -> Flow[int]:
        """End all sessions of this user; how many there were."""
        return self._session.leave("/auth/logout-all")

    @Operation
    def access_token(self) -> Flow[str | None]:
        """A fresh one, for what this client does not do: streams, sockets. None when nobody is signed in."""
        return self._session.bearer()

    @Operation
    def refresh(self) -> Flow[bool]:
        """Exchange the tokens now; whether there is a session afterwards. You need not call it."""
        self._session.needs_no_key()
        return (yield from self._session.kept.renew(None)) is not None

    @Operation
    def request(self, /, method: str, path: str, **options: Unpack[RequestOptions]) -> Flow[httpx2.Response]:
        """The answer, read to its end. Raises Problem (unless `check=False`) and Unreachable."""
        return self._session.request(method, path, options)

    @Operation
    def batch(
        self, operations: Sequence[Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> Flow[list[dict[str, Any]]]:
        """All or none, in order; an answer for each."""
        body: RequestOptions = {"json": {"operations": operations}, "idempotency_key": idempotency_key or uuid4().hex}
        answer = yield from self._session.request("POST", f"{self._session.prefix}/batch", body)
        return list(told(answer)["results"])
