"""From a new identity to what it changes in the look and the shape of a face, in the common frame.

The prior says how another person differs; what is drawn of that is bounded by what the photograph can show and by what
faces look like.
"""

import numpy as np

from models.face_model import BRIGHTEST, LEAST, FaceModel
from models.frame import Frame
from models.mesh import Array
from models.prior import LinearPrior
from models.regions import Region

HUE = 0.16  # bound of either colour difference, log units: beyond it skin glows orange or turns grey
# Log units by which brows and lids darken freely: of a fair face, and of one with brows as dark as others' (DEEP below
# their skin); and the share of what goes beyond it.
FAIR, DARK, DEEP, DARKER = 0.06, 0.35, 0.35, 0.4
SHAVEN = 0.08  # log units by which the skin around the lips darkens freely: a beard's shadow is not drawn on it
BRIGHT = 0.5  # how bright skin is, 0..1 by the room that it has below white, from which brows count as fair
PLAIN = 0.6  # share of a new face's look on plain skin, where portraits differ by their light more than by their people
FARTHEST = 2.0  # deviations of people, at each place, at which a new look comes to rest: beyond, folds turn to furrows
# New faces lie farther from the mean than people do, the more so where a part of the old face stays.
TEXTURE_GAIN, SHAPE_GAIN = 1.5, 3.7
PRESERVING = 1.1  # times the above
WARMTH = 0.2  # change of both colour differences for each log unit by which a brow darkens
COLOUR = 0.8  # of the change of colour: skin keeps the tone of the neck and ears around it
BELIEVED = 2.5  # standard deviations to which people differ; hard light drives a projection to twice that
# Log detail: the lightest that a brow, and the skin around brows, may be; and the share of its darkness that one keeps.
BROW, RIDGE, KEPT = -0.05, 0.12, 0.5
FLATTEST = 0.5  # contrast of a new face, at least; the photograph's own, where that lies between it and 1


def differences(prior: LinearPrior, face: FaceModel, latent: Array) -> tuple[Array, Array]:
    """What the identity `latent`, as strong as it is to be seen, changes in a face.

    Returns:
        differences of log detail [T, T, 3] in the frame and of the aligned vertices [468, 3]. What the prior does not
        explain of the old face goes too, but for its finest part.
    """
    texture = face.last_texture.of(latent[: prior.texture_size].tobytes(), lambda: _textured(prior, face, latent))
    return texture, prior.displace(_believed(prior, face.projection.latent), latent)


def reshaped(prior: LinearPrior, face: FaceModel, latents: Array, preserve: frozenset[Region]) -> Array:
    """The aligned vertices [..., 468, 3] that a face gets with identities [..., latent_size], where none is held."""
    moved = prior.displace(face.projection.latent, latents * gain(prior, preserve))
    return np.asarray(face.similarity.apply(face.vertices) + moved)


def _textured(prior: LinearPrior, face: FaceModel, latent: Array) -> Array:
    """The first half of `differences`."""
    # Under soft light, or in a bright picture, another's features are as faint as the old ones were.
    contrast = min(max(face.projection.contrast, FLATTEST), 1.0)
    share = PLAIN + (1 - PLAIN) * prior.frame.marked
    texture, _ = prior.change(_believed(prior, face.projection.latent), latent, contrast, share, FARTHEST)
    texture *= prior.frame.calm[..., None]
    # Brows are darker than the skin around them, on dark skin too, where the mean brow would shine; dark ones stay so,
    # for white brows under dark hair are nobody's, and the skin around them would glow with them.
    old = face.projection.explained[..., 0]
    lightest = min(BROW, -KEPT * _depth(prior.frame, old))
    texture[..., 0] -= prior.frame.brow_bones * np.maximum(old + texture[..., 0] - RIDGE, 0)
    texture[..., 0] -= prior.frame.brows * np.maximum(old + texture[..., 0] - lightest, 0)
    # Where hair and brows are fair, another's black ones, or lids in deep shadow, look painted; on bright skin whatever
    # darkens around the brows does.
    bright = (BRIGHTEST - face.headroom) / (BRIGHTEST - LEAST)
    spared = np.maximum(np.maximum(prior.frame.brows, prior.frame.lids), bright * prior.frame.brow_bones)
    texture[..., 0] -= (1 - DARKER) * spared * np.minimum(texture[..., 0] + _freely(prior.frame, old, bright), 0)
    texture[..., 0] -= (1 - DARKER) * prior.frame.shaven * np.minimum(texture[..., 0] + SHAVEN, 0)
    texture[..., 1:] *= COLOUR * (1 - prior.frame.brows)[..., None]
    # Hair is warmer than shadow: skin that merely darkens to a brow looks grey.
    darker = WARMTH * prior.frame.brows * np.maximum(-texture[..., 0], 0)
    texture[..., 1] += darker
    texture[..., 2] -= darker
    texture -= face.residual
    # Lashes that lighten are lashes lost, and the eyes between them look small.
    texture[..., 0] -= prior.frame.lashes * np.maximum(texture[..., 0], 0)
    texture[..., 1:] = _coloured(texture[..., 1:], (face.projection.explained + face.residual)[..., 1:])
    return texture * (prior.frame.yielding * (1 - face.occlusion))[..., None]


def _freely(frame: Frame, lightness: Array, bright: float) -> float:
    """Log units by which brows and lids may darken, by how dark the old brows are in log detail [T, T].

    Brows that hardly show are fair on bright skin alone (`bright`, 0..1); on dark skin all do.
    """
    dark = max(_depth(frame, lightness) / DEEP, 1 - bright / BRIGHT)
    return FAIR + (DARK - FAIR) * min(max(dark, 0.0), 1.0)


def _depth(frame: Frame, lightness: Array) -> float:
    """How much darker brows are than the skin around them, in log detail [T, T]."""
    return -float(np.average(lightness, weights=frame.brows))


def _coloured(change: Array, old: Array) -> Array:
    """Colour's change [T, T, 2], bounded where it leaves the colour of plain skin.

    What takes the old face's own colour away, as far as plain skin, is not: a fold that lightens and keeps its red
    turns to a bloody streak. old: that colour, log units against the skin around it.
    """
    homeward = np.clip(change, np.minimum(-old, 0), np.maximum(-old, 0))
    return homeward + HUE * np.tanh((change - homeward) / HUE)


def _believed(prior: LinearPrior, latent: Array) -> Array:
    """An identity as it was read in a photograph, no farther from the mean than people are: the rest is hard light."""
    texture = BELIEVED * np.tanh(latent[: prior.texture_size] / BELIEVED)
    return np.concatenate([texture, latent[prior.texture_size :]])


def gain(prior: LinearPrior, preserve: frozenset[Region]) -> Array:
    """How many times as strong each number of an identity is rendered, float32 [latent_size]."""
    out = np.full(prior.latent_size, TEXTURE_GAIN, np.float32)
    out[prior.texture_size :] = SHAPE_GAIN
    return out * PRESERVING if preserve else out
