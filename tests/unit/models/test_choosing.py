"""Which identity is chosen where one person's face is known from several photographs."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models import FaceAnonymizer, choosing, crown, proportions, spectacles, turn_head
from models.choosing import (
    CROWNS,
    DRAWS,
    FRAMES,
    ROUNDS,
    VIEWS,
    Describe,
    Found,
    Trying,
    _crown,
    _frame,
    _Search,
    choose,
)
from models.drawing import gain
from models.face_model import FaceModel
from models.recognizer import SAME_PERSON

Picture = NDArray[np.uint8]
ANYWHERE: frozenset[Any] = frozenset()
BEFORE = 9  # grey level of the picture in which nothing was tried yet
BEFORE_ALL = 200  # the same, where other levels tell which identity was tried


class Indifferent:
    """A critic to whom everything looks like a photograph."""

    def drawn(self, crops: list[Picture]) -> NDArray[np.float32]:
        return np.full(len(crops), -20, np.float32)


def strange(pictures: Sequence[Picture], vertices: NDArray[np.float32]) -> NDArray[np.float32]:
    """A second recogniser to whom nothing that was rendered shows the same person."""
    return np.array([(1.0 if one[0, 0, 0] == BEFORE else -1.0, 0.0) for one in pictures], np.float32)


class Blind:
    """Sees nobody, not in the original either."""

    def finds(self, picture: Picture) -> bool:
        return False

    def mesh(self, picture: Picture, face: FaceModel) -> None:
        return None


BLIND: Any = Blind()


class Known:
    """A view of the face on which identities whose first number is below 0 lie at one distance, others at another."""

    def __init__(
        self,
        face: FaceModel,
        below: float,
        above: float,
        known: bool = True,
        describe: Describe = strange,
        looking: Any = BLIND,
    ) -> None:
        self.tried = 0
        self._distances = below, above
        own = np.zeros(128, np.float32) if known else None
        self.trying = Trying(
            np.full((64, 64, 3), BEFORE, np.uint8), face, own, self._replace, self._embed, describe, looking
        )

    def _replace(self, picture: Picture, face: FaceModel, latent: NDArray[np.float32], preserve: object) -> None:
        self.tried += 1
        picture[:] = latent[0] > 0

    def _embed(self, pictures: Sequence[Picture], face: FaceModel) -> list[NDArray[np.float32] | None]:
        return [np.eye(1, 128, dtype=np.float32)[0] * self._distances[one[0, 0, 0]] for one in pictures]


@pytest.fixture(scope="module", name="face")
def _face(engine: FaceAnonymizer, astronaut: Picture) -> FaceModel:
    model = engine.explain(astronaut, engine.find(astronaut)[0])
    assert model is not None
    return model


@pytest.fixture(name="search")
def _search(engine: FaceAnonymizer, face: FaceModel) -> _Search:
    trying = Known(face, below=0.7, above=0.7).trying
    return _Search(trying, engine.prior, Indifferent(), ANYWHERE, np.zeros(4, np.float32), ())  # type: ignore[arg-type]


@pytest.fixture
def single_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """No steps that several share: how many of them there are depends on what is found."""
    monkeypatch.setattr(choosing, "LEADING", 0)


@pytest.fixture(name="chosen")
def _chosen(engine: FaceAnonymizer) -> Callable[..., float]:
    """The first number of what is chosen on these views."""

    def choose_on(leading: Known, *others: Known) -> float:
        views = [(other.trying, ANYWHERE) for other in others]
        rng = np.random.default_rng(4)
        return float(choose(leading.trying, engine.prior, Indifferent(), rng, ANYWHERE, others=views)[0])  # type: ignore[arg-type]

    return choose_on


def test_what_would_break_a_face_is_not_tried(engine: FaceAnonymizer, face: FaceModel) -> None:
    """No identity of the first round squeezes or stretches a lip far; of those drawn freely many do."""
    tried: list[NDArray[np.float32]] = []

    def replace_face(picture: Picture, face: FaceModel, latent: NDArray[np.float32], preserve: object) -> None:
        tried.append(latent[: engine.prior.latent_size].copy())

    def embed(pictures: Sequence[Picture], face: FaceModel) -> list[NDArray[np.float32] | None]:
        return [np.zeros(128, np.float32) for _ in pictures]

    own = np.zeros(128, np.float32)
    trying = Trying(np.full((64, 64, 3), BEFORE, np.uint8), face, own, replace_face, embed, strange, BLIND)
    choose(trying, engine.prior, Indifferent(), np.random.default_rng(1), ANYWHERE)  # type: ignore[arg-type]

    def change(latent: NDArray[np.float32]) -> float:
        """The larger change, in log units, of what lies above and below the lips."""
        before = face.similarity.apply(face.vertices)
        after = before + engine.prior.displace(face.projection.latent, latent * gain(engine.prior, frozenset()))
        ends = np.array([[2, 0], [17, 152]])
        lengths = [np.linalg.norm(shape[ends[:, 0]] - shape[ends[:, 1]], axis=1) for shape in (before, after)]
        return float(np.abs(np.log(lengths[1] / lengths[0])).max())

    far, free = 0.45, engine.prior.sample(np.random.default_rng(2), 64)
    assert np.mean([change(one) > far for one in free]) > 0.1
    assert max(change(one) for one in tried[:DRAWS]) < far


def test_the_worst_view_counts(face: FaceModel, chosen: Callable[..., float]) -> None:
    """What is best on the leading view and near on another loses to what hides the face on both."""
    leading = Known(face, below=0.66, above=0.62)

    assert chosen(leading) < 0
    assert chosen(leading, Known(face, below=0.9, above=0.9)) < 0
    assert chosen(leading, Known(face, below=0.55, above=0.7)) > 0
    assert chosen(leading, Known(face, below=0.9, above=0.9), Known(face, below=0.5, above=0.7)) > 0


def test_the_crown_is_the_one_that_makes_the_person_least_known(face: FaceModel) -> None:
    """Of the crowns that are drawn, tried on the untouched face."""
    asked = 0

    def describe(pictures: Sequence[Picture], vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """Asked for the person, then for crowns, of which the third lies farthest."""
        nonlocal asked
        asked += 1
        return np.array([[2.0 if asked == 4 else 1.0]], np.float32)

    trying = Known(face, below=0.7, above=0.7, describe=describe).trying

    chosen = _crown(trying, np.random.default_rng(8))

    np.testing.assert_array_equal(chosen, crown.sample(np.random.default_rng(8), CROWNS)[2])
    assert asked == CROWNS + 1


def test_the_frame_is_the_one_that_makes_its_wearer_least_known(engine: FaceAnonymizer, admiral: Picture) -> None:
    """Of the frames that are drawn, tried on the untouched wearer; with her nose preserved, the first."""
    model = engine.explain(admiral, engine.find(admiral)[0])
    assert model is not None
    trying = engine.trying(admiral, model)
    drawn = spectacles.sample(np.random.default_rng(3), FRAMES)

    chosen, first = (_frame(trying, np.random.default_rng(3), preserve) for preserve in (ANYWHERE, frozenset({"nose"})))

    known = [trying.framed(one, ANYWHERE) for one in drawn]
    assert np.ptp(known) > 0.02
    np.testing.assert_array_equal(chosen, drawn[int(np.argmax(known))])
    np.testing.assert_array_equal(first, drawn[0])


def test_a_second_recogniser_turns_the_choice(face: FaceModel, chosen: Callable[..., float]) -> None:
    """Whom a second recogniser would still know, on any view, loses to somebody a little nearer whom it does not."""

    def knows(pictures: Sequence[Picture], vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        original, near, far = (1.0, 0.0), (0.28, 0.96), (-1.0, 0.0)  # 1.2 and 2 from the original
        seen = {BEFORE: original, 0: near, 1: far}
        return np.array([seen[int(one[0, 0, 0])] for one in pictures], np.float32)

    both = {"below": 0.75, "above": 0.72}
    assert chosen(Known(face, **both)) < 0
    assert chosen(Known(face, **both, describe=knows)) > 0
    assert chosen(Known(face, **both), Known(face, **both, describe=knows)) > 0
    assert chosen(Known(face, below=0.75, above=0.55, describe=knows)) < 0


class Watchful:
    """Sees whoever is in the picture, but those of identities whose first number is above 0 not, or not where they are.

    finds_all: whether the detector misses none of them; aside: pixels by which the mesh lies beside them.
    """

    def __init__(self, finds_all: bool = True, aside: float = 0) -> None:
        self._finds_all, self._aside = finds_all, aside

    def finds(self, picture: Picture) -> bool:
        return self._finds_all or int(picture[0, 0, 0]) != 1

    def mesh(self, picture: Picture, face: FaceModel) -> NDArray[np.float32]:
        return face.vertices + np.float32(self._aside if int(picture[0, 0, 0]) == 1 else 0)


def test_who_is_not_seen_where_he_is_loses(face: FaceModel, chosen: Callable[..., float]) -> None:
    """Whom a detector misses, or a mesh sees far from everything, on any view, loses to somebody a little nearer."""
    both = {"below": 0.72, "above": 0.75}
    assert chosen(Known(face, **both, looking=Watchful())) > 0
    for looking in (Watchful(finds_all=False), Watchful(aside=0.2 * float(np.ptp(face.vertices[:, 0])))):
        assert chosen(Known(face, **both, looking=looking)) < 0
        assert chosen(Known(face, **both), Known(face, **both, looking=looking)) < 0
    assert chosen(Known(face, below=0.5, above=0.75, looking=Watchful(finds_all=False))) > 0


def test_draws_grow_bolder_only_while_the_face_is_not_hidden(
    engine: FaceAnonymizer, face: FaceModel, single_steps: None
) -> None:
    """A face that the second recogniser alone still knows is searched to the end, and with no bolder draws."""

    def knows(pictures: Sequence[Picture], vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array([(1.0, 0.0)] * len(pictures), np.float32)

    def boldness(distance: float) -> list[float]:
        """Of the textures that are tried in each round."""
        tried: list[float] = []

        def replace_face(picture: Picture, face: FaceModel, latent: NDArray[np.float32], preserve: object) -> None:
            tried.append(float(np.linalg.norm(latent[engine.prior.blocks[0]])))

        def embed(pictures: Sequence[Picture], face: FaceModel) -> list[NDArray[np.float32] | None]:
            return [np.eye(1, 128, dtype=np.float32)[0] * distance for _ in pictures]

        own = np.zeros(128, np.float32)
        trying = Trying(np.zeros((64, 64, 3), np.uint8), face, own, replace_face, embed, knows, BLIND)
        choose(trying, engine.prior, Indifferent(), np.random.default_rng(1), ANYWHERE)  # type: ignore[arg-type]
        later = np.reshape(tried[3 * DRAWS :], (ROUNDS - 1, 2, DRAWS))[:, 0]
        return [float(one) for one in later.mean(1)]

    hidden, plain = boldness(0.75), boldness(0.62)

    assert hidden[-1] < 1.1 * hidden[0]
    assert plain[-1] > 1.2 * plain[0]


def test_the_best_is_bettered_by_steps_that_stay_typical(
    engine: FaceAnonymizer, face: FaceModel, single_steps: None
) -> None:
    """After the first round textures and shapes are tried that lie near the best, and that show a woman or a man as
    plainly as those of the first: steps do not add up to a caricature."""
    prior, tried = engine.prior, list[NDArray[np.float32]]()

    def replace_face(picture: Picture, face: FaceModel, latent: NDArray[np.float32], preserve: object) -> None:
        tried.append(latent[: prior.latent_size].copy())

    def farther_each_time(pictures: Sequence[Picture], face: FaceModel) -> list[NDArray[np.float32] | None]:
        reached.append(min(reached[-1] + 0.001, 0.69))
        return [np.eye(1, 128, dtype=np.float32)[0] * reached[-1]] * len(pictures)

    reached, own = [0.5], np.zeros(128, np.float32)
    trying = Trying(np.full((64, 64, 3), BEFORE, np.uint8), face, own, replace_face, farther_each_time, strange, BLIND)
    choose(trying, prior, Indifferent(), np.random.default_rng(1), ANYWHERE)  # type: ignore[arg-type]

    def alike(latents: NDArray[np.float32], block: slice) -> float:
        parts = latents[:, block] / np.linalg.norm(latents[:, block], axis=1, keepdims=True)
        return float(np.median((parts @ parts.T)[np.triu_indices(len(parts), 1)]))

    first = np.array(tried[:DRAWS])
    for number, block in enumerate(prior.blocks):
        steps = np.array(tried[-(2 - number) * DRAWS :][:DRAWS])
        other = prior.blocks[1 - number]
        np.testing.assert_array_equal(steps[:, other], np.repeat(steps[:1, other], DRAWS, 0))
        assert alike(first, block) < 0.3
        assert alike(steps, block) > 0.5
        sex = prior.traits["sex"][block]
        assert abs(float((steps[:, block] @ sex).mean() - (first[:, block] @ sex).mean())) < 0.3


def test_a_joint_step_goes_where_single_ones_agree(engine: FaceAnonymizer, search: _Search) -> None:
    """Of steps that share a direction beside one of their own each, the joint one follows the shared one best; a single
    step is joined with none, and beside three better ones another does not count."""
    prior, rng = engine.prior, np.random.default_rng(8)
    block = prior.blocks[0]
    start, shared = prior.sample(rng, 2)

    def towards(way: NDArray[np.float32]) -> NDArray[np.float32]:
        end = start.copy()
        end[block] = np.cos(0.6) * start[block] + np.sin(0.6) * way[block]
        return end

    def agreement(latent: NDArray[np.float32]) -> float:
        away = latent[block] - start[block] * float(latent[block] @ start[block] / (start[block] @ start[block]))
        return float(away @ shared[block] / np.linalg.norm(away) / np.linalg.norm(shared[block]))

    ends = [towards((shared + own) / np.sqrt(2).astype(np.float32)) for own in prior.sample(rng, 3)]
    tried = [Found(end, 0.5 - 0.01 * number, 0.7) for number, end in enumerate(ends)]
    astray = Found(towards(-shared), 0.1, 0.7)

    joint = search.joint(start, [astray, *tried], block)

    assert len(joint) == 1
    assert agreement(joint[0]) > max(agreement(end) for end in ends)
    np.testing.assert_array_equal(joint[0, prior.blocks[1]], start[prior.blocks[1]])
    assert len(search.joint(start, tried[:1], block)) == 0


def test_a_joint_step_distorts_no_more_than_those_it_joins(
    engine: FaceAnonymizer, face: FaceModel, search: _Search
) -> None:
    """Of many joint steps in shape none strains the face more than the one of its steps that strains it most."""
    prior, rng = engine.prior, np.random.default_rng(12)
    strain = proportions.of(prior).strain
    made = 0
    for start in prior.sample(rng, 24):
        ends = np.repeat(start[None], 3, 0)
        ends[:, prior.blocks[1]] = 1.5 * prior.sample(rng, 3)[:, prior.blocks[1]]
        joint = search.joint(start, [Found(end, 0.5, 0.7) for end in ends], prior.blocks[1])
        made += len(joint)
        assert all(strain(face, joint) <= strain(face, ends).max())
    assert 0 < made < 24


def test_the_second_recogniser_sees_those_that_may_lead(engine: FaceAnonymizer, face: FaceModel) -> None:
    """Of identities that the first one puts at different distances it sees some, the best of them among these, and
    what it says of them counts."""
    draws, seen = engine.prior.sample(np.random.default_rng(14), 12), list[int]()
    draws[:, engine.prior.blocks[1]] = draws[0, engine.prior.blocks[1]]  # none distorts the face more than another
    far = dict(zip(range(1, 13), np.linspace(0.5, 0.79, 12), strict=True))

    def replace_face(picture: Picture, face: FaceModel, latent: NDArray[np.float32], preserve: object) -> None:
        picture[:] = 1 + next(k for k, one in enumerate(draws) if np.array_equal(one, latent[: len(one)]))

    def embed(pictures: Sequence[Picture], face: FaceModel) -> list[NDArray[np.float32] | None]:
        return [np.eye(1, 128, dtype=np.float32)[0] * far.get(int(one[0, 0, 0]), 0.0) for one in pictures]

    def knows_the_farthest(pictures: Sequence[Picture], vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        looks = [int(one[0, 0, 0]) for one in pictures]
        seen.extend(looks)
        return np.array([(1.0 if look in (BEFORE_ALL, 12) else -1.0, 0.0) for look in looks], np.float32)

    own = np.zeros(128, np.float32)
    start = np.full((64, 64, 3), BEFORE_ALL, np.uint8)
    trying = Trying(start, face, own, replace_face, embed, knows_the_farthest, BLIND)
    search = _Search(trying, engine.prior, Indifferent(), ANYWHERE, np.zeros(4, np.float32), ())  # type: ignore[arg-type]

    tried = search.assess(draws, Found(draws[0]))

    best = max(tried, key=lambda one: one.value)
    assert {10, 11, 12} <= set(seen)
    assert len(set(seen) - {BEFORE_ALL}) < 12
    np.testing.assert_array_equal(best.latent, draws[10])


def test_what_hides_as_well_and_distorts_less_is_worth_more(
    engine: FaceAnonymizer, face: FaceModel, search: _Search
) -> None:
    """Of identities at one distance from the face the one is best that distorts it least, and by what that costs."""
    draws = engine.prior.sample(np.random.default_rng(13), 12)
    strain = proportions.of(engine.prior).strain(face, draws)

    tried = search.assess(draws, Found(draws[0]))

    best = max(tried, key=lambda one: one.value)
    worst = min(tried, key=lambda one: one.value)
    told = {one.tobytes(): far for one, far in zip(draws, strain, strict=True)}
    assert told[best.latent.tobytes()] == strain.min()
    assert strain.min() < 0.5 * strain.max()
    assert strain.min() < choosing.UNBEARABLE < strain.max()
    strained = np.array([told[one.latent.tobytes()] for one in (best, worst)])
    cost = choosing.DISTORTED * np.log1p(strained / choosing.STRAINED)
    cost += choosing.GROTESQUE * np.maximum(strained - choosing.UNBEARABLE, 0)
    assert best.value - worst.value == pytest.approx(cost[1] - cost[0], abs=1e-4)


def test_what_fails_on_the_leading_view_is_tried_on_no_other(
    face: FaceModel, chosen: Callable[..., float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One candidate that beats what came before is tried on the other view, not the many that do not."""
    monkeypatch.setattr(choosing, "DISTORTED", 0.0)  # or each that distorts less would beat what came before
    leading, other = Known(face, below=0.62, above=0.62), Known(face, below=0.9, above=0.9)

    chosen(leading, other)

    assert leading.tried > DRAWS * ROUNDS
    assert other.tried == 1


def test_a_view_that_the_recogniser_does_not_know_says_nothing(face: FaceModel, chosen: Callable[..., float]) -> None:
    """Another view whose original face the recogniser cannot see keeps no identity from being chosen."""
    blind = Known(face, below=0.0, above=0.9, known=False)

    assert chosen(Known(face, below=0.66, above=0.62), blind) < 0
    assert blind.tried == 0


def test_an_identity_hides_the_person_on_every_view_it_was_chosen_on(
    engine: FaceAnonymizer, astronaut: Picture
) -> None:
    """From the front and turned by twenty degrees the recogniser takes the result for somebody else."""
    views = [astronaut, turn_head(astronaut, 20)]

    identity = engine.propose(views[0], np.random.default_rng(5), others=[(views[1], frozenset({"mouth"}))])

    distances = [engine.anonymize(view, identity).faces[0].distance for view in views]
    assert all(distance is not None and distance > SAME_PERSON for distance in distances)


def test_no_more_photographs_are_taken_than_are_tried(engine: FaceAnonymizer, astronaut: Picture) -> None:
    """Of any number of photographs the first four with a face are looked at; one without a face is passed over."""
    taken: list[int] = []

    def pictures() -> Any:
        for number in range(20):
            taken.append(number)
            yield (np.full((300, 200, 3), 90, np.uint8) if number == 1 else astronaut), ANYWHERE

    engine.propose(astronaut, np.random.default_rng(6), others=pictures())

    assert len(taken) == VIEWS
