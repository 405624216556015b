"""The façade: a photograph in, the same photograph with other faces out."""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from models import blender, crown, drawing, hair, likeness, marks, renderer, skin, spectacles
from models.cap import CapPainter
from models.choosing import PASSABLE, VIEWS, Trying, View, choose
from models.cover import CoverFinder
from models.critic import Critic
from models.face_model import FaceModel, headroom
from models.faces import Face, FaceFinder
from models.fitting import fit_face
from models.hair import HairFinder
from models.lenses import LensFinder
from models.lighting import blur, split
from models.mesh import Array, Mesher, fit_similarity, upright, warp_down
from models.occlusion import glasses, in_photograph
from models.onlooker import Onlooker
from models.prior import LinearPrior
from models.recognizer import Box, Recognizer
from models.redaction import Redaction, Redactor
from models.regions import Region, preserved_mask
from models.rim import RimFinder
from models.sface import SFace
from models.wearing import WornFinder
from models.weights import FOLDER

Step = Literal["blending", "correction"]
STEPS: Final[frozenset[Step]] = frozenset({"blending", "correction"})  # what finishes a face
METHOD = 10  # of rendering an identity; counted up when the same latent comes to look like another person
BROAD = 9.0  # pixels of the common frame; a broader difference between left and right is light
TURNED = 6.0  # pixels of the common frame over which what faces away fades out
FINEST = 1.3  # pixels of the common frame; detail finer than this is pores and grain
ONE_HUE = 0.03  # log units by which red and blue vary against green in a sepia face at most; in colours, twice that
LEVEL = 12.0  # degrees of roll up to which the recogniser takes a face as it stands


@dataclass(frozen=True)
class ReplacedFace:
    """A face that was replaced.

    box: left, top, right, bottom in pixels; distance: of the result's face from the original's (`models.likeness`; 0.6:
    the same person), None where it cannot be measured; roll: degrees by which it is turned clockwise.
    """

    box: Box
    distance: float | None
    roll: float = 0.0


@dataclass(frozen=True)
class Anonymization:
    """The result: RGB uint8 [H, W, 3] and what happened to it.

    preserved: bool [H, W], pixels that are promised to equal the original; synthetic: bool [H, W],
    pixels that differ from it; unreplaced: faces that were found and could not be replaced.
    """

    image: NDArray[np.uint8]
    faces: tuple[ReplacedFace, ...]
    unreplaced: tuple[Face, ...]
    preserved: NDArray[np.bool_]
    synthetic: NDArray[np.bool_]


class FaceAnonymizer:
    """Finds faces, gives each another identity, and leaves the preserved regions alone."""

    def __init__(self, prior: LinearPrior) -> None:
        self.prior = prior
        self.steps: frozenset[Step] = STEPS
        self.recognizer = Recognizer(str(prior.device))
        self._finder = FaceFinder(self.recognizer)
        self._mesher = Mesher()
        self._worn = WornFinder(prior.frame)
        self._redactor = Redactor(self.find, self._mesher)
        self._covers = CoverFinder(device=str(prior.device))
        self._hair = HairFinder()
        self._lenses = LensFinder(device=str(prior.device))
        self._caps = CapPainter()
        self._rim = RimFinder()
        self._critic = Critic(device=str(prior.device))
        self._sface = SFace(device=str(prior.device))
        self._onlooker = Onlooker(self.recognizer, self._mesher)

    @classmethod
    def load(cls, device: str = "cpu", weights: Path = FOLDER / "linear_prior.safetensors") -> "FaceAnonymizer":
        """Load the shipped weights; raises `models.weights.WeightsError` when they are missing or damaged."""
        if device == "cpu":
            # The tensors are small: threads that wait for each other cost more than they bring, and ruin the
            # neighbours on a busy machine. More cores are for more workers.
            torch.set_num_threads(1)
        return cls(LinearPrior.load(weights, device))

    @property
    def version(self) -> str:
        """Name and digest of the generator, and the method that renders it; an identity belongs to one version."""
        return f"{self.prior.version}-m{METHOD}"

    @property
    def latent_size(self) -> int:
        """Of an identity: the face's numbers, which are the prior's, then those of the spectacles, of the crown and of
        the hair's tone.
        """
        return self.bald_size + crown.LATENT_SIZE + hair.LATENT_SIZE

    @property
    def bald_size(self) -> int:
        """Of what of an identity has nothing to do with hair."""
        return self.prior.latent_size + spectacles.LATENT_SIZE

    def sample(self, rng: np.random.Generator, count: int) -> Array:
        """Draw identities, float32 [count, latent_size]."""
        return np.hstack(
            [draw(rng, count) for draw in (self.prior.sample, spectacles.sample, crown.sample, hair.sample)]
        )

    def with_steps(self, steps: frozenset[Step]) -> "FaceAnonymizer":
        """The same engine with these of its finishing `steps` only, for measuring what each is worth."""
        other = copy(self)
        other.steps = steps
        return other

    def find(self, image: NDArray[np.uint8]) -> tuple[Face, ...]:
        """All faces that any detector sees, largest first."""
        return self._finder.find(image)

    def anonymize(
        self,
        image: NDArray[np.uint8],
        latent: Array,
        preserve: frozenset[Region] = frozenset(),
        bystanders: np.random.Generator | None = None,
        capped: bool = False,
    ) -> Anonymization:
        """Replace every face in a photograph.

        Args:
            image: RGB uint8 [H, W, 3].
            latent: float32 [latent_size], the identity of the largest face; where it ends before the crown's numbers
                (`bald_size`), nobody's hair changes its place or tone; before the spectacles' (`prior.latent_size`),
                neither do glasses.
            preserve: regions of every face that stay exactly as they are.
            bystanders: source of identities for all other faces (default: the system's).
            capped: whether everybody whose face is replaced gets a surgical cap over the hair (`models.cap`).
        """
        check_image(image)
        bystanders = bystanders or np.random.default_rng()
        result, replaced, unreplaced = image.copy(), [], []
        preserved = np.zeros(image.shape[:2], bool)
        for number, face in enumerate(self.find(image)):
            model = self.explain(image, face)
            if model is None:
                unreplaced.append(face)
                continue
            if number == 0:
                identity = latent
            else:
                trying = self.trying(image, model)
                identity = choose(trying, self.prior, self._critic, bystanders, preserve, PASSABLE)[: len(latent)]
            kept = self._replace(result, model, identity, preserve)
            preserved |= kept
            replaced.append((face, model, identity))
        # From the smallest: who is nearest stands before the others.
        for _, model, identity in reversed(replaced if capped else []):
            vertices = self._drawn(model, identity, preserve, *image.shape[:2])
            self._caps.paint(result, vertices, identity, preserved, model.one_hue)
        # One channel after another: numpy is slow along an axis of three.
        synthetic = np.logical_or.reduce([result[..., k] != image[..., k] for k in range(3)])
        preserved &= ~synthetic
        faces = tuple(ReplacedFace(f.box, self._distance(image, result, m), f.roll) for f, m, _ in replaced)
        return Anonymization(result, faces, tuple(unreplaced), preserved, synthetic)

    def second_distance(
        self, before: NDArray[np.uint8], after: NDArray[np.uint8], box: Box, roll: float = 0.0
    ) -> float | None:
        """Between the faces at `box` in two pictures of one size, as the second recogniser alone sees them.

        roll: degrees by which they are turned clockwise. On the scale of `Recognizer.distance`. Where no mesh lies in
        one of the pictures, the face is looked at where it lies in the other; None where it lies in neither.
        """
        places = [self._mesher.fit(image, box, roll) for image in (before, after)]
        known = [place for place in places if place is not None]
        if not known:
            return None
        seen = [
            self._sface.embed([image], known[0] if place is None else place)[0]
            for image, place in zip((before, after), places, strict=True)
        ]
        return likeness.second(*seen)

    def can_replace(self, image: NDArray[np.uint8]) -> bool:
        """Whether there is a face, and the largest one can be given another identity."""
        return any(
            fit_face(self._mesher, image, face, self.prior.frame.mean) is not None for face in self.find(image)[:1]
        )

    def redact(
        self,
        image: NDArray[np.uint8],
        faces: Sequence[Face],
        preserve: frozenset[Region] = frozenset(),
        outline: bool = False,
        others: Sequence[Box] = (),
    ) -> Redaction:
        """Cover the heads around `faces`, as `find` or `unreplaced` tells them; see `redaction.Redactor.redact`."""
        check_image(image)
        return self._redactor.redact(image, faces, preserve, outline, others)

    def propose(
        self,
        image: NDArray[np.uint8],
        rng: np.random.Generator,
        preserve: frozenset[Region] = frozenset(),
        others: Iterable[tuple[NDArray[np.uint8], frozenset[Region]]] = (),
    ) -> Array:
        """An identity for a new person: random draws, among which the photographs only choose.

        `image`: the photograph that leads; `others`: more of the same person, each with the regions that are preserved
        in it. Those in which the largest face can be replaced count, `choosing.VIEWS` at most; they are taken one after
        another, so that an iterator need not hold several at a time. One that the recogniser knows goes before one
        that it does not. See `choosing.choose`; without a face the first draw stands.
        """
        views = list(islice(self._views(chain([(image, preserve)], others)), VIEWS))
        if not views:
            return self.sample(rng, 1)[0]
        (leading, kept), *rest = sorted(views, key=lambda view: view[0].own is None)
        return choose(leading, self.prior, self._critic, rng, kept, others=rest)

    def _views(self, pictures: Iterable[tuple[NDArray[np.uint8], frozenset[Region]]]) -> Iterator[View]:
        """The largest face of each picture in which that can be replaced, ready to be tried on."""
        for image, preserve in pictures:
            check_image(image)
            for face in self.find(image)[:1]:
                model = self.explain(image, face)
                if model is not None:
                    yield self.trying(image, model), preserve

    def trying(self, image: NDArray[np.uint8], model: FaceModel) -> Trying:
        """A face that was explained, ready for identities to be tried on it."""
        # In a small copy nobody can tell a finer drawing, or the photograph's grain, from none.
        quick = self.with_steps(self.steps - {"correction"})
        quick.prior = self.prior.halved
        return Trying.of(image, model.halved, quick._replace, self._embed, self._sface.embed, self._onlooker)

    def explain(self, image: NDArray[np.uint8], face: Face) -> FaceModel | None:
        """A face in the terms of the prior; None where no mesh holds, or the face is turned too far."""
        vertices = fit_face(self._mesher, image, face, self.prior.frame.mean)
        if vertices is None:
            return None
        similarity = fit_similarity(vertices, self.prior.frame.mean)
        near, moved = _near(image, vertices)
        texture, facing = self.prior.frame.pull(near, moved)
        cover = self._covers.find(texture, facing, self.prior.frame)
        carried = glasses(cover.hard, self.prior.frame)
        bare = facing * (1 - np.maximum(cover.hard, cover.hair))
        wearing = self._worn.find(texture, bare)
        head_hair = self._hair.find(image, vertices, wearing.beard, self.prior.frame)
        strands = cover.hair
        if head_hair is not None:
            strands = np.maximum(strands, hair.fringe(head_hair, texture, vertices, self.prior.frame))
            bare = (bare * (1 - strands)).astype(np.float32)
        detail = split(texture, self.prior.frame.skin * bare).detail
        spots = marks.find(detail, bare * (1 - wearing.kept), self.prior.frame)
        detail = marks.bridged(detail, spots)
        projection = self.prior.project(detail, bare, similarity.apply(vertices))
        residual = blur(detail - projection.explained, FINEST)
        lopsided = projection.lopsided - blur(projection.lopsided, BROAD)
        places = renderer.places(self.prior.frame, vertices, renderer.surroundings(vertices, *image.shape[:2]))
        return FaceModel(
            vertices,
            similarity,
            projection,
            residual=residual - skin.borrowed(residual, bare, self.prior.frame) + lopsided,
            occlusion=1 - (1 - np.maximum(wearing.kept, strands)) * blur(facing, TURNED),
            places=places,
            marks=marks.in_photograph(spots, vertices, self.prior.frame),
            standing=in_photograph(cover.hard * (1 - carried), places, self.prior.frame),
            glasses=in_photograph(carried, places, self.prior.frame),
            rim=self._rim.find(image, vertices, similarity.yaw_pitch_roll[2]),
            hair=head_hair,
            lenses=self._lenses.find(image, vertices) if carried.any() else None,
            headroom=headroom(texture, self.prior.frame.skin * bare),
            one_hue=bool(detail[facing > 0.5][:, 1:].std() < ONE_HUE),
        )

    def _replace(
        self, image: NDArray[np.uint8], model: FaceModel, latent: Array, preserve: frozenset[Region]
    ) -> NDArray[np.bool_]:
        """Replace one face, its glasses and the tone of its hair in place; returns the mask of its preserved pixels.

        `latent` may end with the face's numbers, then glasses and hair stay, with the spectacles', then the hair does,
        or with the crown's, then its tone does.
        """
        size = (image.shape[0], image.shape[1])
        kept = preserved_mask(model.vertices, preserve, *size)
        ends = np.cumsum([self.prior.latent_size, spectacles.LATENT_SIZE, crown.LATENT_SIZE])
        face, worn, head, tone = np.split(latent, ends)
        if len(worn):
            model = spectacles.renewed(image, model, worn, preserve, kept)
        if model.hair is not None and len(tone):
            hair.recolour(image, model.hair, tone, kept, model.one_hue)
        blend, moving = "blending" in self.steps, head if len(head) else None
        plan = renderer.edit(self.prior, model, face, preserve, size, blend, moving)
        rows, columns = slice(plan.top, plan.top + plan.height), slice(plan.left, plan.left + plan.width)
        changed = blender.apply(marks.filled(image, model.marks), plan, self.prior.device, "correction" in self.steps)
        image[rows, columns] = np.where(kept[rows, columns, None], image[rows, columns], changed)
        return kept

    def _drawn(self, model: FaceModel, latent: Array, preserve: frozenset[Region], height: int, width: int) -> Array:
        """Where the vertices [468, 3] of a face lie after it was replaced, in pixels of its photograph."""
        shape = drawing.reshaped(self.prior, model, latent[: self.prior.latent_size], preserve)
        return renderer.held(model.vertices, model.similarity.invert(shape), preserve, height, width)

    def _distance(self, before: NDArray[np.uint8], after: NDArray[np.uint8], model: FaceModel) -> float | None:
        own, other = self._embed([before, after], model)
        first = None if own is None or other is None else Recognizer.distance(own, other)
        return likeness.nearer(first, likeness.second(*self._sface.embed([before, after], model.vertices)))

    def _embed(self, images: Sequence[NDArray[np.uint8]], model: FaceModel) -> list[Array | None]:
        """What the recogniser makes of one face in each of some pictures."""
        return self.recognizer.embed_many([_standing(image, model) for image in images])


def check_image(image: NDArray[np.uint8]) -> None:
    """Raise ValueError unless `image` is RGB uint8 [H, W, 3] of at least 16 x 16 pixels."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or min(image.shape[:2]) < 16:
        raise ValueError("an RGB picture, uint8 [H, W, 3], of at least 16 x 16 pixels is needed")


def _standing(image: NDArray[np.uint8], model: FaceModel) -> tuple[NDArray[np.uint8], Box]:
    """A face at any angle for the recogniser, which knows upright ones only: a picture, and where it lies in it."""
    roll = model.similarity.yaw_pitch_roll[2]
    if abs(roll) < LEVEL:
        return image, _recognizer_box(model.vertices)
    low, high = model.vertices[:, :2].min(0), model.vertices[:, :2].max(0)
    half, (x, y) = 1.2 * float((high - low).max()), ((low + high) / 2).tolist()
    side = int(min(2 * half, 800))
    to_crop = upright((x, y), half, roll, side)
    standing = model.vertices[:, :2] @ to_crop[:, :2].T + to_crop[:, 2]
    return warp_down(image, to_crop, side), _recognizer_box(standing)


def _recognizer_box(vertices: Array) -> Box:
    """The square that dlib's detector would draw round this face; its landmark predictor expects no other."""
    low, high = vertices[:, :2].min(0), vertices[:, :2].max(0)
    side = 1.17 * float(high[0] - low[0])
    x, bottom = float(low[0] + high[0]) / 2, float(high[1]) - 0.03 * side
    return x - side / 2, bottom - side, x + side / 2, bottom


def _near(image: NDArray[np.uint8], vertices: Array) -> tuple[NDArray[np.uint8], Array]:
    """The face at the frame's resolution, and its mesh there, so that large photographs are not aliased."""
    low, high = vertices[:, :2].min(0), vertices[:, :2].max(0)
    side = float((high - low).max()) * 1.1
    scale = min(1.0, 1.3 * 384 / side)
    size = max(int(side * scale), 8)
    origin = (low + high) / 2 - side / 2
    to_crop = np.array([[scale, 0, -scale * origin[0]], [0, scale, -scale * origin[1]]], np.float32)
    moved = vertices * scale
    moved[:, :2] -= origin * scale
    return warp_down(image, to_crop, size), moved
