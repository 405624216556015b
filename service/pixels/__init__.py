"""Pixels: decoded without trust, given new faces, written back, and looked at again.

    pictures = [decode(ds, settings.limits, n) for n in range(count_frames(ds, settings.limits))]
    faces = Faces(settings.work.device)                          # once per process
    if view.kind is Kind.INTRAORAL:
        replaced = [faces.leave(picture) for picture in pictures]    # Quarantined if there is a face in one
    else:
        latent = identities.get_or_create(..., propose=lambda: faces.propose(picture, preserve))
        replaced = [faces.replace(picture, latent, preserve) for picture in pictures]
    written = write(clean, pictures, replaced)                   # `clean` comes from service.headers
    evidence = examine(data, pictures, replaced, written, faces) # `data`: the finished file

`service.finishing.finish` does the last two steps and everything around them.
"""

from service.pixels.covering import cover_heads, find_lines, with_covers, without
from service.pixels.examining import examine, look_for_faces, look_for_text
from service.pixels.looking import Look, Viewer
from service.pixels.mapping import Part, draw_map, frame_parts, map_size, read_map, read_maps
from service.pixels.picture import Image, Picture, count_frames, decode, single_frame
from service.pixels.profiles import Colours, settle, state
from service.pixels.replacing import PLAIN, Box, Faces, Latent, Mask, Replaced
from service.pixels.writing import WRITABLE, Written, WrittenFrame, encode, write

__all__ = [
    "PLAIN",
    "WRITABLE",
    "Box",
    "Colours",
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
    "WrittenFrame",
    "count_frames",
    "cover_heads",
    "decode",
    "draw_map",
    "encode",
    "examine",
    "find_lines",
    "frame_parts",
    "look_for_faces",
    "look_for_text",
    "map_size",
    "read_map",
    "read_maps",
    "settle",
    "single_frame",
    "state",
    "with_covers",
    "without",
    "write",
]
