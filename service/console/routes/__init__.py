"""One module for each family of pages; each handler names who may call it."""
