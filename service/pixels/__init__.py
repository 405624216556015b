"""Pixels: decoded without trust, given new faces, written back, and looked at again.

    picture = decode(ds, settings.limits)                        # Quarantined where it cannot or must not be
    faces = Faces(settings.work.device)                          # once per process
    if view.kind is Kind.INTRAORAL:
        replaced = faces.leave(picture)                          # Quarantined if there is a face in it
    else:
        latent = identities.get_or_create(..., propose=lambda: faces.propose(picture, preserve))
        replaced = faces.replace(picture, latent, preserve)
    written = write(clean, picture, replaced)                    # `clean` comes from service.headers
    evidence = examine(data, picture, replaced, written, faces)  # `data`: the finished file

`service.finishing.finish` does the last two steps and everything around them.
"""

from service.pixels.covering import cover_heads, with_covers, without
from service.pixels.examining import examine, look_for_faces
from service.pixels.looking import Look, Viewer
from service.pixels.mapping import Part, draw_map, read_map
from service.pixels.picture import Image, Picture, decode, single_frame
from service.pixels.replacing import Box, Faces, Latent, Mask, Replaced
from service.pixels.writing import Written, write

__all__ = [
    "Box",
    "Faces",
    "Image",
    "Latent",
    "Look",
    "Mask",
    "Part",
    "Picture",
    "Replaced",
    "Viewer",
    "Written",
    "cover_heads",
    "decode",
    "draw_map",
    "examine",
    "look_for_faces",
    "read_map",
    "single_frame",
    "with_covers",
    "without",
    "write",
]
