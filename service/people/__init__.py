"""People and programs that may use the console: accounts, sign-ins, second steps, tokens, the identity provider.

Nothing here knows of HTTP: the console's routes, the API and the command line call it.
"""
