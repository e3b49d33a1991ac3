"""What is printed once requests are answered: every URL, and the link that makes the first administrator."""

import json

import typer

from mainstay.cli.serving.plan import Checked


def banner(checked: Checked, *, as_json: bool, note: str = "") -> None:
    """Print it on stdout; as one line of JSON for scripts."""
    urls = {name: checked.public_url + path for name, path in checked.pages.items()}
    if as_json:
        told = {
            "url": checked.public_url,
            "urls": urls,
            "first_admin": checked.first_admin,
            "database": checked.database,
        }
        print(json.dumps({**told, "environment": checked.environment, "workers": checked.plan.workers}), flush=True)
        return
    # Without rich: the process above the workers would keep what it imports.
    title, address = typer.style(checked.title, fg="green", bold=True), typer.style(checked.public_url, bold=True)
    typer.echo(f"\n{title} is served at {address}\n")
    width = max(map(len, urls))
    for name, url in urls.items():
        typer.echo(f"  {typer.style(name.ljust(width), dim=True)}  {url}")
    workers = f"{checked.plan.workers} workers" if checked.plan.workers > 1 else "one worker"
    _dim(f"{checked.environment} · {checked.database} · {workers} · {len(checked.resources)} resources")
    if checked.first_admin:
        typer.echo("\n  There is no administrator yet. This link makes one (once, within 30 minutes):")
        typer.secho(f"  {checked.first_admin}", fg="cyan", bold=True)
    _dim(f"{note or 'Ctrl+C stops.'}")
    typer.echo()


def _dim(words: str) -> None:
    typer.echo("\n  " + typer.style(words, dim=True))
