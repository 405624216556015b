"""Measuring the faces: what is recognised, what is preserved, what stays consistent; one metric, one file."""

from models.evaluation.run import Plan, evaluate

__all__ = ["Plan", "evaluate"]
