"""`mainstay openapi`: the API's description, without a server."""

import json
import sys
from typing import Annotated

import typer
import yaml

from mainstay.assembly import load
from mainstay.cli.frame.load import DEFAULT, AppArgument
from mainstay.cli.frame.output import AsJson

AsYaml = Annotated[bool, typer.Option("--yaml", help="YAML instead of JSON.")]


def openapi(app: AppArgument = DEFAULT, as_yaml: AsYaml = False, as_json: AsJson = False) -> None:
    """Print the OpenAPI 3.1 description of the app. JSON unless --yaml is given.

    [dim]mainstay openapi app.py --yaml > openapi.yaml[/dim]
    """
    if as_yaml and as_json:
        raise typer.BadParameter("give --yaml or --json, not both")
    document = load(app).app.openapi()
    if as_yaml:
        sys.stdout.write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    else:
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
