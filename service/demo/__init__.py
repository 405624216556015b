"""The demonstration: two patients' photographs through the real gateway, and what came out."""
