"""`mainstay users create`: a user with a password, names, and what the app keeps of its users."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

from mainstay.assembly import Mainstay, load
from mainstay.base.tenant import DEFAULT_TENANT
from mainstay.cli.frame.act import InTenant, opened
from mainstay.cli.frame.ending import Refused
from mainstay.cli.frame.load import DEFAULT, AppOption
from mainstay.cli.frame.output import AsJson, Output
from mainstay.model.spec import FieldSpec
from mainstay.model.spec import Refused as ValueRefused

Email = Annotated[str, typer.Option("--email", "-e", help="What the user signs in with.")]
Password = Annotated[
    str | None, typer.Option("--password", "-p", help="The password; others on this machine may see it while it runs.")
]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Roles = Annotated[list[str], typer.Option("--role", "-r", help="A role; may be given several times. [default: user]")]
Username = Annotated[str | None, typer.Option("--username", help="Another name to sign in with.")]
Fields = Annotated[
    list[str],
    typer.Option("--profile", metavar="NAME=VALUE", help="One of the app's own fields; may be given several times."),
]


def create(
    email: Email,
    app: AppOption = DEFAULT,
    password: Password = None,
    password_stdin: FromStdin = False,
    role: Roles = [],  # noqa: B006  Typer wants the default itself, and nobody changes it
    username: Username = None,
    profile: Fields = [],  # noqa: B006  as above
    tenant: InTenant = None,
    as_json: AsJson = False,
) -> None:
    """Create a user.

    [dim]mainstay users create --app app.py --email ada@example.com --password-stdin --role admin < password.txt[/dim]
    """
    secret = _given(password, password_stdin)
    roles = tuple(role) or ("user",)
    wanted = {"username": username, "profile": profile}
    made = opened(load(app).app, lambda running: _create(running, email, secret, roles, tenant, wanted))
    out = Output(as_json)
    out.answer(made)
    out.say(f"[bold green]{escape(made['email'])}[/] is there, with {' and '.join(roles)}.")


def read_password(from_stdin: bool, otherwise: str) -> str:
    """The password from standard input, or typed twice. `otherwise` says what to do where nobody can type."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise typer.BadParameter(otherwise)
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _given(given: str | None, from_stdin: bool) -> str:
    if given is not None and from_stdin:
        raise typer.BadParameter("give --password or --password-stdin, not both")
    return read_password(from_stdin, "give --password, or --password-stdin") if given is None else given


async def _create(
    app: Mainstay, email: str, password: str, roles: Sequence[str], tenant: str | None, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    rooms = app.rooms
    place = await rooms.tenancy.get(tenant or DEFAULT_TENANT)
    if place is None:
        raise Refused(f"there is no tenant {tenant}.", fix="mainstay tenants list shows which there are.")
    user = await rooms.identity.find_user(email) if tenant else None
    if user is None:
        profile = _values(wanted["profile"], rooms.identity.profiles.all)
        user = await rooms.identity.create_user(
            email, password, roles, tenant=place.id, username=wanted["username"], profile=profile
        )
    elif any(wanted.values()):
        raise Refused(
            f"{user.email} has an account already.", fix="Leave --username and --profile out to add it to the tenant."
        )
    else:
        await rooms.tenancy.add_member(place.id, user.id, roles)
    return {"id": str(user.id), "email": user.email, "roles": sorted(roles), "tenant": place.slug}


def _values(pairs: Sequence[str], fields: Mapping[str, FieldSpec]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or name not in fields:
            there = ", ".join(fields) or "none"
            raise Refused(f"--profile {pair.partition('=')[0]} names no field; there are {there}.")
        try:
            values[name] = fields[name].parse(text)
        except ValueRefused as refused:
            raise Refused(f"--profile {name}: {refused}") from None
    if missing := [name for name, field in fields.items() if field.required and name not in values]:
        told = " ".join(f"--profile {name}=…" for name in missing)
        raise Refused(f"the app wants to know of each user: {', '.join(missing)}.", fix=f"Add {told}")
    return values
