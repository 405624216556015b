"""Attacks on results: what somebody tries who wants the patient back. Each gives a number against chance."""

from models.evaluation.attacks.averaging import averaging
from models.evaluation.attacks.inversion import inversion, read_latent
from models.evaluation.attacks.linkage import linkage
from models.evaluation.attacks.parts import describe, parts

__all__ = ["averaging", "describe", "inversion", "linkage", "parts", "read_latent"]
