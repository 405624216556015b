"""Each attack succeeds where nothing was hidden and stays at chance where nothing is left."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.attacking import attack_parts
from models.evaluation.attacks import averaging, describe, inversion, linkage, parts
from models.evaluation.looking import Look
from models.evaluation.measure import PairLooks
from models.mesh import Array
from models.regions import REGIONS

PEOPLE = 60
OWN = np.arange(PEOPLE)


def _people(rng: np.random.Generator, count: int = PEOPLE, size: int = 64) -> NDArray:
    return rng.normal(size=(count, size))


@pytest.fixture(name="rng")
def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


def test_parts_lead_to_another_photograph_of_the_region(rng: np.random.Generator) -> None:
    """Descriptors of one region in two photographs lead to the person; strangers' descriptors to nobody."""
    people, others = _people(rng), _people(rng, 80)
    again = people + 0.5 * _people(rng)

    assert parts([(again, people)], others)["rank1"]["share"] > 0.9
    stranger = parts([(_people(rng), people)], others)
    assert stranger["rank1"]["low"] <= stranger["rank1"]["chance"]
    assert abs(stranger["auc"]["value"] - 0.5) < 0.1


def test_a_region_is_described_alike_in_a_turned_and_brighter_picture(
    astronaut: NDArray[np.uint8], admiral: NDArray[np.uint8], meshes: tuple[Array, Array]
) -> None:
    """The crop follows the mesh: the same eyes, mirrored place and light aside, are nearer than another person's."""
    mine, theirs = meshes
    height = astronaut.shape[0]
    turned = np.ascontiguousarray(np.rot90(astronaut, 1))
    points = np.stack([mine[:, 1], height - 1 - mine[:, 0], mine[:, 2]], 1)
    lit = np.clip(turned * 0.8 + 20, 0, 255).astype(np.uint8)

    for region in ("eyes", "mouth", "nose"):
        own, again = describe(astronaut, mine, region), describe(lit, points, region)
        other = describe(admiral, theirs, region)
        assert np.linalg.norm(own - again) < 0.6 * np.linalg.norm(own - other)


def test_parts_are_attacked_in_the_modes_that_were_measured(rng: np.random.Generator) -> None:
    """Without a mode that keeps the nose, the nose is attacked in originals and standard results alone."""

    def look() -> Look:
        return Look(None, {}, {}, {region: _people(rng, 1)[0] for region in REGIONS})

    def pair() -> PairLooks:
        methods = {name: (look(), look()) for name in ("original", "standard", "keep-mouth")}
        return PairLooks("p", methods["original"], methods, ())

    done = attack_parts([pair() for _ in range(12)], [look() for _ in range(60)])

    assert {region: set(methods) for region, methods in done.items()} == {
        "mouth": {"original", "standard", "keep-mouth"},
        "nose": {"original", "standard"},
        "eyes": {"original", "standard"},
    }
    assert done["mouth"]["standard"]["rank1"]["of"] == 24


def test_linkage_finds_what_survives(rng: np.random.Generator) -> None:
    """A few surviving components among many replaced ones are enough for the trained classifier."""
    originals = _people(rng)
    results = _people(rng)
    results[:, :12] = originals[:, :12]

    done = linkage({"judge": results}, {"judge": originals})

    plain = ((results[:, None] - originals[None]) ** 2).sum(2).argmin(1) == OWN
    assert done["rank1"]["share"] > plain.mean()
    assert done["auc"]["value"] > 0.75


def test_linkage_is_certain_when_nothing_is_done(rng: np.random.Generator) -> None:
    """A method that returns the original is linked always."""
    originals = _people(rng)

    assert linkage({"judge": originals + 0.05 * _people(rng)}, {"judge": originals})["rank1"]["share"] == 1.0


def test_linkage_of_strangers_is_chance(rng: np.random.Generator) -> None:
    """Results that are independent of their originals are linked no better than by lot."""
    done = linkage({"judge": _people(rng)}, {"judge": _people(rng)})

    assert done["rank1"]["low"] <= done["rank1"]["chance"]
    assert abs(done["auc"]["value"] - 0.5) < 0.12


def test_averaging_brings_back_a_face_under_noise(rng: np.random.Generator) -> None:
    """Where each result is the original and a stranger mixed, many of them give the patient away."""
    originals = _people(rng)
    mixed = 0.3 * originals[:, None] + rng.normal(size=(PEOPLE, 32, 64))

    done = averaging(mixed, originals)

    assert list(done) == ["1", "2", "4", "8", "16", "32"]
    assert done["32"]["rank1"]["share"] > 0.9 > done["1"]["rank1"]["share"] + 0.3


def test_averaging_strangers_gives_nobody(rng: np.random.Generator) -> None:
    """Where results hold nothing of the patient, their mean does not either."""
    done = averaging(rng.normal(size=(PEOPLE, 16, 64)), _people(rng))

    assert done["16"]["rank1"]["low"] <= 1 / PEOPLE


def test_inversion_undoes_a_fixed_change_of_coefficients(rng: np.random.Generator) -> None:
    """Coefficients that are only turned by a secret rotation come back; fresh ones do not."""
    sources = _people(rng, PEOPLE, 12)
    turn = np.linalg.qr(rng.normal(size=(12, 12)))[0]

    turned, fresh = inversion(sources @ turn, sources), inversion(_people(rng, PEOPLE, 12), sources)

    assert turned["rank1"]["share"] > 0.9
    assert turned["cosine"]["value"] > 0.8
    assert turned["unlearned"]["rank1"]["share"] < 0.2
    assert fresh["rank1"]["low"] <= fresh["rank1"]["chance"]
    assert abs(fresh["cosine"]["value"]) < 0.15
