"""The REST API under /api/v1, for programs: what people do on the pages, with the same rights, in JSON.

Programs come with a token (Authorization: Bearer ...) that has scopes and an end; the rights on a route are those of
the pages. Lists are read by cursor. What goes wrong is told as problem details (RFC 9457). UIDs of studies and
objects may be asked for under those of either side, so they travel in bodies, never in addresses.
"""
