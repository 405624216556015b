"""VeraGate: clinical photographs in over DICOM, de-identified photographs out, every step on record."""

__version__ = "0.1.0"
