"""Scripts that are run by hand; each has a test that runs it again."""
