"""`hpe-volleyball models`: what models there are; fetch, verify, import them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpe_volleyball.cli.common import Mirror, ModelsDir, Quiet, print_all, print_line
from hpe_volleyball.models.catalogue import Mode

app = typer.Typer(
    name="models",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="List, fetch, verify and import the models that --det and --pose name.",
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Names that `models list` shows.")
]


@app.command("list")
def list_models(models_dir: ModelsDir = None) -> None:
    """Show all models: what they find, how well, at what cost, and where they are."""
    from hpe_volleyball.console.models import model_table
    from hpe_volleyball.models.inventory import inventory

    print_all(model_table(inventory(models_dir)))


@app.command()
def pull(
    names: Names = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="Without names: the models of this mode; auto: of lightweight and balanced."
        ),
    ] = "auto",
    models_dir: ModelsDir = None,
    mirror: Mirror = None,
    quiet: Quiet = False,
) -> None:
    """Download models, those that are not here and right.

    A download that was cut goes on where it ended.
    """
    from hpe_volleyball.console.downloads import Downloads
    from hpe_volleyball.models.inventory import pull as pull_model
    from hpe_volleyball.models.inventory import wanted_models

    for model in wanted_models(names or (), mode):
        with Downloads(quiet=quiet) as bar:
            path, fetched = pull_model(model, models_dir, mirror=mirror, on_progress=bar.update)
        if not quiet:
            print_line(f"{'downloaded' if fetched else 'already here'}: {path}")


@app.command()
def verify(names: Names = None, models_dir: ModelsDir = None) -> None:
    """Compare the model files that are here with the published checksums.

    Exit code 1 if one is wrong.
    """
    from hpe_volleyball.console.models import verify_lines
    from hpe_volleyball.errors import ModelError
    from hpe_volleyball.models.inventory import verify as verify_files

    verified = verify_files(models_dir, names or ())
    if not verified:
        raise ModelError(
            "no model files are here; `hpe-volleyball models pull` fetches them, "
            "--models-dir says where they are"
        )
    print_all(verify_lines(verified))
    if any(each.state == "wrong" for each in verified):
        raise typer.Exit(1)


@app.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A zip of OpenMMLab, or the ONNX file in it.")
    ],
    as_name: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            show_default="known by the content or the name of the zip",
            help="Which model it is.",
        ),
    ] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Put a model that was fetched by other means where it is found by its name.

    For computers without network, and when the server is down.
    """
    from hpe_volleyball.models.download import import_model
    from hpe_volleyball.models.folders import download_folder

    path = import_model(file, download_folder(models_dir), name=as_name)
    print_line(f"imported: {path}")
