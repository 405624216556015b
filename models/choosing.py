"""Choosing an identity for a new person: random draws, among which the photograph only chooses."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from heapq import nlargest
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models import crown, drawing, hair, marks, onlooker, proportions, renderer, spectacles
from models.critic import Critic, crop
from models.face_model import FaceModel
from models.mesh import Array, fit_similarity
from models.onlooker import Onlooker
from models.prior import LinearPrior
from models.recognizer import Recognizer
from models.regions import Region

Replace = Callable[[NDArray[np.uint8], FaceModel, Array, frozenset[Region]], object]
Embed = Callable[[Sequence[NDArray[np.uint8]], FaceModel], list[Array | None]]
Describe = Callable[[Sequence[NDArray[np.uint8]], Array], Array]  # pictures, and the mesh of the face in all of them

ROUNDS: Final = 8  # how often a face that is hard to hide is tried again
SAFE: Final = 0.7  # value that ends the search for a patient
PASSABLE: Final = 0.63  # and for somebody who happens to be in the picture, and whose identity nobody keeps
DRAWS: Final = 10  # random identities tried on the face at a time
# Times as many are drawn, and those left out that would distort the face most; fewer after every round that did not
# hide it, and of steps from the best one, which are less likely to.
SURPLUS: Final = (16, 6, 3, 2, 1)
STEP_SURPLUS: Final = 3
TURN: Final = (0.25, 1.0)  # radians by which such a step turns the best one towards a draw
LEADING: Final = 3  # steps whose shared direction is tried too
JOINT: Final = 0.6  # radians of that step
NEARLY: Final = 0.15  # value under the best one's down to which a step tells a direction
BOLDNESS: Final = ((0.75, 1.05), (0.6, 1.1))  # of a draw's texture and shape, times the usual
BOLDER: Final = 0.14  # with every round that did not hide the face
ODDER: Final = 0.25  # and by which its proportions may then be odder, in parts of what is usual
SHOWN: Final = (1.3, 3.0)  # how many times as strong texture and shape are seen, about: the renderer's gains, faded
HIDDEN: Final = 0.66  # recognition distance from which no bolder identity is drawn: a caricature hides well
NEAR: Final = 0.72  # recognition distance below which a face is hardly hidden, and what each unit below costs more
STEEP: Final = 4.0
# Distance under the second recogniser below which its word counts, and what each unit below costs. At 1.16 it takes one
# of a hundred couples of strangers for one person.
STRANGE: Final = 1.3
FAMILIAR: Final = 2.4
UNSAFE: Final = 1.25  # and the distance below which the gate may soon object, and what a unit costs besides
WARNED: Final = 8.0
FAR_ENOUGH: Final = 0.8  # recognition distance beyond which only the look counts
DRAWN: Final = 0.3  # what a unit of the critic's judgement costs, in recognition distance
# What a shape costs that distorts the face by STRAINED deviations (`models.proportions`) is DISTORTED times log 2; what
# is worse costs less than in proportion, since to hide somebody weighs more. Each deviation beyond UNBEARABLE costs
# GROTESQUE besides: a face that only a grotesque would hide is better held.
DISTORTED: Final = 0.08
STRAINED: Final = 10.0
UNBEARABLE, GROTESQUE = 60.0, 0.004
GROUP: Final = 4  # candidates that the recogniser sees at a time
CROWNS: Final = 10  # crowns of the head drawn; the one that changes the person most is taken
FRAMES: Final = 6  # frames of glasses drawn for who wears some; the one that changes the person most is taken
TONES: Final = 4  # tones of hair drawn; the one that shows most is taken
WIDTH: Final = 140  # pixels across the face at which candidates are compared
VIEWS: Final = 4  # photographs of a patient on which an identity is tried at most


@dataclass(frozen=True)
class Trying:
    """One face in a small copy of its photograph, on which identities can be tried quickly.

    small: RGB uint8 [h, w, 3]; face: the model of the face in it; own: what the recogniser makes of it.
    """

    small: NDArray[np.uint8]
    face: FaceModel
    own: Array | None
    _replace: Replace
    _embed: Embed
    _describe: Describe
    _onlooker: Onlooker

    @classmethod
    def of(
        cls,
        image: NDArray[np.uint8],
        model: FaceModel,
        replace: Replace,
        embed: Embed,
        describe: Describe,
        onlooker: Onlooker,
    ) -> "Trying":
        small, near = _reduced(image, model)
        return cls(small, near, embed([small], near)[0], replace, embed, describe, onlooker)

    def render(self, latent: Array, preserve: frozenset[Region]) -> NDArray[np.uint8]:
        """The small copy with another face; `latent` as for `FaceAnonymizer.anonymize`."""
        picture = self.small.copy()
        self._replace(picture, self.face, latent, preserve)
        return picture

    def distances(self, pictures: Sequence[NDArray[np.uint8]]) -> list[float]:
        """Of the face in rendered pictures from the original's; 0 where the recogniser sees none."""
        if self.own is None:
            return [0.0] * len(pictures)
        seen = self._embed(pictures, self.face)
        return [0.0 if one is None else Recognizer.distance(self.own, one) for one in seen]

    def cost(self, picture: NDArray[np.uint8]) -> float:
        """Of a face that the second recogniser would still know in a rendered picture, in recognition distance."""
        strangeness = self._strangeness(picture)
        return FAMILIAR * max(STRANGE - strangeness, 0.0) + WARNED * max(UNSAFE - strangeness, 0.0)

    def oddity(self, picture: NDArray[np.uint8], shape: Array, preserve: frozenset[Region]) -> float:
        """What it costs that a face, drawn with aligned vertices `shape` [468, 3], is not seen there, or not at all.

        Where nobody sees the original's either, that says nothing.
        """
        cost = onlooker.LOST if self._is_found and not self._onlooker.finds(picture) else 0.0
        if self._seen is None:
            return cost
        after, vertices = self._onlooker.mesh(picture, self.face), self.face.vertices
        if after is None:
            return cost + onlooker.LOST
        drawn = renderer.held(vertices, self.face.similarity.invert(shape), preserve, *picture.shape[:2])
        return cost + onlooker.misplaced(self._seen, after, vertices, drawn, preserve)

    @cached_property
    def _is_found(self) -> bool:
        return self._onlooker.finds(self.small)

    @cached_property
    def _seen(self) -> Array | None:
        """Where a mesh is seen in the original."""
        return self._onlooker.mesh(self.small, self.face)

    def strangeness(self, crowns: Array) -> list[float]:
        """Of the person, whose face is still their own, with each of some crowns [n, crown.LATENT_SIZE] of the head."""
        points, line = self.face.vertices[:, :2], self.face.hairline
        return [self._strangeness(crown.moved(self.small, points, one, line)) for one in crowns]

    def framed(self, frame: Array, preserve: frozenset[Region]) -> float:
        """The strangeness of the person with a frame [spectacles.LATENT_SIZE] over their own glasses."""
        picture = self.small.copy()
        spectacles.renewed(picture, self.face, frame, preserve, np.zeros(picture.shape[:2], bool))
        return self._strangeness(picture)

    def _strangeness(self, picture: NDArray[np.uint8]) -> float:
        """Distance from the original under the second recogniser."""
        return float(np.linalg.norm(self._known - self._describe([picture], self.face.vertices)[0]))

    @cached_property
    def _known(self) -> Array:
        """What the second recogniser makes of the original."""
        return self._describe([self.small], self.face.vertices)[0]

    def crop(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the critic sees of a rendered picture."""
        return crop(picture, self.face.vertices, self.face.similarity)


View = tuple[Trying, frozenset[Region]]  # of the same person, with what is preserved there


@dataclass(frozen=True)
class Found:
    """An identity, what it is worth, and its smallest recognition distance from the person."""

    latent: Array
    value: float = -np.inf
    distance: float = 0.0


def choose(
    trying: Trying,
    prior: LinearPrior,
    critic: Critic,
    rng: np.random.Generator,
    preserve: frozenset[Region],
    enough: float = SAFE,
    others: Sequence[View] = (),
) -> Array:
    """An identity, the numbers of `FaceAnonymizer.latent_size`, that hides the face and looks like somebody.

    Draws are made under the condition that their apparent sex and age suit the face. They are tried on it, whole and
    then for their texture and their shape; the best one is bettered by random steps in either, and by one step in the
    direction that the better of them share. Kept is what the recogniser finds far from the face, a second one does not
    know and the critic does not find drawn, in a shape that distorts the face little; the search ends with a value that
    is `enough`. Of the photograph nothing but sex and age enters the identity.

    What is best on the face that leads is tried on the same person's `others` too, and its worst view counts. A view
    in which the recogniser sees no face before anything was done says nothing, and is left out.
    """
    head, worn = _crown(trying, rng), _frame(trying, rng, preserve)
    search = _Search(
        trying,
        prior,
        critic,
        preserve,
        np.concatenate([worn, head]),
        [other for other in others if other[0].own is not None],
    )
    best, bolder = Found(prior.sample(rng, 1)[0]), 0
    for number in range(ROUNDS):
        # First whole draws and the best one with the texture or the shape of another, then steps from the best one.
        for block in prior.blocks if number else (slice(None), *prior.blocks):
            start = best
            tried = search.assess(search.draw(rng, bolder, start.latent, block, is_step=number > 0), start)
            best = max([best, *tried], key=_worth)
            if number > 0:
                best = max([best, *search.assess(search.joint(start.latent, tried, block), best)], key=_worth)
        if best.value > enough or trying.own is None:
            break
        if best.distance < HIDDEN:  # what hides well enough is not made bolder for its looks
            bolder += 1
    tones = hair.sample(rng, TONES)
    if trying.face.hair is not None:
        shown = [hair.strength(trying.small, trying.face.hair, tone) for tone in tones]
        tones = tones[[int(np.argmax(shown))]]
    return np.concatenate([best.latent, worn, head, tones[0]])


@dataclass(frozen=True)
class _Search:
    """What stays the same while an identity is sought: the view that leads, the judges, and the person's other views.

    preserve: what is preserved in the view that leads; besides: the spectacles and the crown that go with every
    identity.
    """

    trying: Trying
    prior: LinearPrior
    critic: Critic
    preserve: frozenset[Region]
    besides: Array
    others: Sequence[View]

    def draw(self, rng: np.random.Generator, bolder: int, best: Array, block: slice, is_step: bool) -> Array:
        """DRAWS identities of the face's apparent sex and age that differ from `best` in `block`.

        Some are bolder than others: what one face bears distorts another. bolder: in how many rounds no identity hid
        the face; is_step: they are `best`, turned towards a draw, and as typical as that.
        """
        prior, face = self.prior, self.trying.face
        surplus = SURPLUS[min(bolder, len(SURPLUS) - 1)]
        draws = prior.sample(rng, DRAWS * (min(surplus, STEP_SURPLUS) if is_step else surplus))
        if is_step:
            turn = rng.uniform(*TURN, (len(draws), 1)).astype(np.float32)
            draws = np.cos(turn) * _usual(best, prior) + np.sin(turn) * draws
        for part, (low, high) in zip(prior.blocks, BOLDNESS, strict=True):
            draws[:, part] *= (1 + BOLDER * bolder) * rng.uniform(low, high, (len(draws), 1))
        changed = np.repeat(best[None], len(draws), 0)
        changed[:, block] = prior.suit(draws, face.projection.latent, SHOWN)[:, block]
        if block == prior.blocks[0]:  # a texture distorts nothing
            return changed[:DRAWS]
        strain = self._strain(changed, proportions.USUAL * (1 + ODDER * bolder))
        return changed[np.argsort(strain, kind="stable")[:DRAWS]]

    def joint(self, start: Array, tried: Sequence[Found], block: slice) -> Array:
        """One identity [1, latent_size], none where there is none: a step from `start` in the direction several share.

        What single steps met by chance cancels out, what brought all of them on does not (weighted recombination:
        Beyer, The Theory of Evolution Strategies, 2001).
        """
        leading = sorted(tried, key=_worth, reverse=True)[:LEADING]
        if len(leading) < 2:
            return np.zeros((0, len(start)), np.float32)
        own, ends = start[block], np.stack([one.latent[block] for one in leading])
        ways = ends - np.outer(ends @ own / (own @ own), own)
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        way = (np.log(len(leading) + 0.5) - np.log(np.arange(len(leading)) + 1)) @ ways
        step = np.cos(JOINT) * own / np.linalg.norm(own) + np.sin(JOINT) * way / np.linalg.norm(way)
        out = start[None].copy()
        out[0, block] = step * np.linalg.norm(ends[0])
        out[:, block] = self.prior.suit(out, self.trying.face.projection.latent, SHOWN)[:, block]
        strain = self._strain(np.vstack([out, *(one.latent[None] for one in leading)]))
        return out if strain[0] <= strain[1:].max() else out[:0]

    def assess(self, latents: Array, best: Found) -> list[Found]:
        """What `latents` are worth, but for those that cannot be better than `best`.

        Exact for the LEADING best of them, where better than it, or nearly; others may be worth less than said.
        """
        if not len(latents):
            return []
        pictures = [self._rendered(self.trying, latent, self.preserve) for latent in latents]
        strain = self._strain(latents)
        costs = self._look(self.trying, pictures) + DISTORTED * np.log1p(strain / STRAINED)
        costs += GROTESQUE * np.maximum(strain - UNBEARABLE, 0)
        waiting, found, reached = np.argsort(costs), list[Found](), best.value
        # By their cost, so that a value that no distance could lift over what is reached ends the search. A group may
        # hold such ones, because another of it raised what is reached: they were looked at in vain, and are left out. A
        # group's size changes how long it takes and never who is chosen.
        while group := [number for number in waiting[:GROUP] if _value(np.inf, float(costs[number])) > reached]:
            distances = self.trying.distances([pictures[number] for number in group])
            told = zip(group, distances, strict=True)
            for number, distance in sorted(told, key=lambda one: -_value(one[1], float(costs[one[0]]))):
                cost = float(costs[number])
                if _value(np.inf, cost) <= reached:
                    continue
                # The second recogniser can only make it worse: who does not lead without it is not shown to it.
                if _value(distance, cost) > max(best.value - NEARLY, _leading(found)):
                    cost += self.trying.cost(pictures[number])
                seen = Found(latents[number], _value(distance, cost), distance)
                found.append(self._worst(seen, cost, pictures[number], reached))
                reached = max(reached, found[-1].value)
            waiting = waiting[len(group) :]
        return found

    def _worst(self, seen: Found, cost: float, picture: NDArray[np.uint8], reached: float) -> Found:
        """An identity by its smallest distance and largest cost on all views; `seen`, `cost`, `picture`: on the first.

        Whoever looks can only make it worse: what is no better than `reached` is shown to nobody else.
        """
        if seen.value > reached:
            cost += self._oddity(self.trying, picture, seen.latent, self.preserve)
            seen = Found(seen.latent, _value(seen.distance, cost), seen.distance)
        for trying, preserve in self.others:
            if seen.value <= reached:
                break
            picture = self._rendered(trying, seen.latent, preserve)
            distance = min(seen.distance, *trying.distances([picture]))
            own = float(self._look(trying, [picture])[0]) + trying.cost(picture)
            cost = max(cost, own + self._oddity(trying, picture, seen.latent, preserve))
            seen = Found(seen.latent, _value(distance, cost), distance)
        return seen

    def _oddity(self, trying: Trying, picture: NDArray[np.uint8], latent: Array, preserve: frozenset[Region]) -> float:
        return trying.oddity(picture, drawing.reshaped(self.prior, trying.face, latent, preserve), preserve)

    def _rendered(self, trying: Trying, latent: Array, preserve: frozenset[Region]) -> NDArray[np.uint8]:
        return trying.render(np.concatenate([latent, self.besides]), preserve)

    def _strain(self, latents: Array, usual: float = proportions.USUAL) -> Array:
        return proportions.of(self.prior).strain(self.trying.face, latents, usual)

    def _look(self, trying: Trying, pictures: Sequence[NDArray[np.uint8]]) -> Array:
        """What rendered pictures cost for looking drawn, [n], in recognition distance."""
        drawn = self.critic.drawn([trying.crop(picture) for picture in pictures])
        return np.asarray(DRAWN * np.logaddexp(0, drawn))


def _crown(trying: Trying, rng: np.random.Generator) -> Array:
    """Of CROWNS the one with which the person is least known to the second recogniser.

    The gate's recogniser sees the inner face alone, and would choose by chance.
    """
    drawn = crown.sample(rng, CROWNS)
    return np.asarray(drawn[int(np.argmax(trying.strangeness(drawn)))])


def _frame(trying: Trying, rng: np.random.Generator, preserve: frozenset[Region]) -> Array:
    """Of FRAMES the one with which the person is least known to the second recogniser."""
    drawn = spectacles.sample(rng, FRAMES)
    if trying.face.lenses is None:
        return np.asarray(drawn[0])
    return np.asarray(drawn[int(np.argmax([trying.framed(one, preserve) for one in drawn]))])


def _usual(latent: Array, prior: LinearPrior) -> Array:
    """An identity as bold as a draw usually is, in texture and in shape."""
    out = latent.copy()
    for part in prior.blocks:
        out[part] /= float(np.sqrt(np.square(out[part]).mean()))
    return out


def _leading(found: Sequence[Found]) -> float:
    """The value of the last of those that lead, -inf where there are fewer than LEADING."""
    leading = nlargest(LEADING, (one.value for one in found))
    return leading[-1] if len(leading) == LEADING > 0 else -np.inf


def _worth(found: Found) -> float:
    return found.value


def _value(distance: float, cost: float) -> float:
    """Of an identity; grows with the distance, up to FAR_ENOUGH."""
    return min(distance, FAR_ENOUGH) - STEEP * max(NEAR - distance, 0.0) - cost


def _reduced(image: NDArray[np.uint8], model: FaceModel) -> tuple[NDArray[np.uint8], FaceModel]:
    """A small copy of the face and its surroundings, for comparing candidates quickly."""
    left, top, width, height = renderer.surroundings(model.vertices, *image.shape[:2])
    scale = min(1.0, WIDTH / model.width)
    part = np.ascontiguousarray(image[top : top + height, left : left + width])
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    vertices = model.vertices.copy()
    vertices[:, :2] -= (left, top)
    vertices = (vertices * scale).astype(np.float32)
    similarity = fit_similarity(vertices, model.similarity.apply(model.vertices))
    moved = None if model.hair is None else model.hair.moved(scale, left, top)
    lenses = None if model.lenses is None else model.lenses.moved(scale, left, top)
    unmarked = marks.NONE  # in so small a copy they do not show
    changed = replace(model, vertices=vertices, similarity=similarity, marks=unmarked, hair=moved, lenses=lenses)
    return small, changed
