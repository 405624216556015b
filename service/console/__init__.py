"""The console: server-rendered pages over the same modules and tables as everything else.

    app = create_app(settings)           # an ASGI application; service.console.serving runs it

`access` says who asks and whether they may; `routes/` holds a module for each family of pages, `templates/` their
HTML, `texts/` every English word of them. Pages work without JavaScript; `static/` has a little of it where it helps.
What a page shows or does is decided in the modules below, which the command line and the API call as well.
"""

from service.console.app import create_app

__all__ = ["create_app"]
