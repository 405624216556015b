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

from service.pixels.examining import examine, look_for_faces
from service.pixels.picture import Image, Picture, decode, single_frame
from service.pixels.replacing import Box, Faces, Latent, Mask, Replaced
from service.pixels.writing import Written, write

__all__ = [
    "Box",
    "Faces",
    "Image",
    "Latent",
    "Mask",
    "Picture",
    "Replaced",
    "Written",
    "decode",
    "examine",
    "look_for_faces",
    "single_frame",
    "write",
]
