"""What is printed once requests are answered: every URL, and the link that makes the first administrator."""

import json

from rich.console import Console
from rich.markup import escape
from rich.table import Table

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
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold green]{escape(checked.title)}[/] is served at [bold]{checked.public_url}[/]\n")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for name, url in urls.items():
        table.add_row(f"[dim]{name}[/]", url)
    console.print(table)
    workers = f"{checked.plan.workers} workers" if checked.plan.workers > 1 else "one worker"
    console.print(
        f"\n  [dim]{checked.environment} · {checked.database} · {workers} · {len(checked.resources)} resources[/]"
    )
    if checked.first_admin:
        console.print("\n  There is no administrator yet. This link makes one (once, within 30 minutes):")
        console.print(f"  [bold cyan]{escape(checked.first_admin)}[/]")
    console.print(f"\n  [dim]{note or 'Ctrl+C stops.'}[/]\n")
