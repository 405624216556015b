"""What people change of the configuration, and what helps them to: checks, history, a simulator, knocks at peers.

`service.configuration` says what counts right now; this package is about the next version of it.
"""
