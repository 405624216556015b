"""Learning the faces from portraits. Nothing here is imported by the gateway."""
