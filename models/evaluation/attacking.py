"""Which measurements each attack gets, and for which methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.attacks import averaging, inversion, linkage, parts
from models.evaluation.looking import Look, readable, stacked
from models.evaluation.making import MODES
from models.evaluation.measure import UNTOUCHED, Measured, PairLooks
from models.regions import REGIONS, Region

FEWEST = 10  # people; with fewer a trained attack learns nothing


def attack_portraits(measured: Sequence[Measured], judges: Sequence[str]) -> dict[str, Any]:
    """Linkage and inversion for each mode of the engine."""
    out: dict[str, Any] = {"linkage": {}, "inversion": {}}
    for mode in MODES:
        rows = [(one, result) for one in measured for result in one.results if result.method == mode]
        seen = [
            (one.source, result.look)
            for one, result in rows
            if one.source is not None and all(readable(look, judges) for look in (one.source, result.look))
        ]
        if len(seen) >= FEWEST:
            originals, results = (
                {judge: stacked([pair[k] for pair in seen], judge) for judge in judges} for k in (0, 1)
            )
            out["linkage"][mode] = linkage(results, originals)
        latents = [(one.latent, result.latent) for one, result in rows]
        known = [(source, result) for source, result in latents if source is not None and result is not None]
        if len(known) >= FEWEST:
            sources, results_read = (np.stack([pair[k] for pair in known]) for k in (0, 1))
            out["inversion"][mode] = inversion(results_read, sources)
    return out


def attack_parts(pairs: Sequence[PairLooks], crowd: Sequence[Look]) -> dict[str, Any]:
    """Region by region: the untouched original, and the mode that preserves it, against the other photograph.

    The gallery holds one photograph of each person of the pairs; the crowd's regions tell what is common.
    """
    out: dict[str, Any] = {}
    others = [look for look in crowd if look.parts]
    if len(pairs) < FEWEST or len(others) < FEWEST:
        return out
    for region in REGIONS:
        training = np.stack([look.parts[region] for look in others])
        out[region] = {
            method: parts(_rounds(pairs, method, region), training)
            for method in (UNTOUCHED, f"keep-{region}", "standard")
            if method in pairs[0].results
        }
    return out


def attack_averages(
    results: Sequence[Sequence[Look]], measured: Sequence[Measured], judges: Sequence[str]
) -> dict[str, Any]:
    """By judge; `results[i]` are several results of the i-th portrait."""
    if len(results) < 2:
        return {}
    out = {}
    sources = [one.source for one in measured]
    for judge in judges:
        own, others, many = [], [], []
        for k, source in enumerate(sources):
            if source is None or not readable(source, [judge]):
                continue
            if k < len(results) and all(readable(one, [judge]) for one in results[k]):
                own.append(source)
                many.append(stacked(results[k], judge))
            else:
                others.append(source)
        if len(own) > 1:
            out[judge] = averaging(np.stack(many), stacked([*own, *others], judge))
    return out


def _rounds(pairs: Sequence[PairLooks], method: str, region: Region) -> list[tuple[NDArray, NDArray]]:
    """Results of the first photographs against the second originals, and the other way round."""
    return [
        (
            np.stack([pair.results[method][k].parts[region] for pair in pairs]),
            np.stack([pair.originals[1 - k].parts[region] for pair in pairs]),
        )
        for k in (0, 1)
    ]
