"""`init`: a configuration to start from."""

from pathlib import Path
from typing import Annotated, Final

import typer

TEMPLATE: Final = """\
# VeraGate's configuration. `veragate check` says what is missing, `veragate up` starts the gateway.

project = "default"            # pseudonyms of two projects cannot be joined
data_folder = "data"           # received and cleaned objects, the database, the master secret

[listener]
ae_title = "VERAGATE"
host = "127.0.0.1"             # 0.0.0.0 listens on every interface
port = 11112
accepted_calling_aes = []      # who may send, such as ["CAMERA1", "WORKSTATION"]; nobody until you name somebody

[limits]
max_object_megabytes = 512     # larger objects are refused: out of resources
max_megapixels = 50            # larger pictures are held, not decoded
min_free_disk_megabytes = 1024 # with less free space everything is refused

[work]
workers = 1                    # processes that replace faces; each loads the models

[[destinations]]
name = "research-pacs"
ae_title = "PACS"
host = "127.0.0.1"
port = 4242

# The first route whose conditions all hold decides; a route without conditions takes everything.
# Conditions: calling_aes, called_aes, sop_classes, views (ADA-1100 codes such as EV19).
[[routes]]
name = "photographs"
preserve = ["mouth"]           # any of mouth, nose, eyes: comes out unchanged to the bit; everything else is new
destinations = ["research-pacs"]
# segmentation = true          # send a DICOM Segmentation along that says which pixels are synthetic
# unreplaced = "redact"        # cover the head of a face that cannot be replaced; without this it is held for a person
# text = "blank"               # cover writing in the picture with grey; without this it is held for a person
# hair = "keep"                # leave the hair where and as it is, for photographs of the scalp; "cap": draw a surgical
#                              # cap over it, so that it tells nobody anything
# backdrop = "plain"           # put a plain grey behind people, in the place of rooms, posters and names on walls
# fallback_syntax = "jpeg-2000-lossless"   # of pixels that cannot stay as they are encoded; without this uncompressed

# What to preserve may depend on the view:
# [routes.preserve_by_view]
# EV19 = ["mouth", "nose"]
"""


def register(app: typer.Typer) -> None:
    app.command("init", rich_help_panel="Running the gateway")(init)


def init(
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("veragate.toml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a configuration with comments to start from."""
    from service.errors import ConfigurationError

    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} exists; --force writes over it.") from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from error
    typer.echo(
        f"{path} is written. Name the senders and destinations in it, then `veragate check`, then `veragate up`."
    )
