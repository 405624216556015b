"""The linear semantic prior: what faces look like once pose and light are taken away.

An identity is a vector of independent standard normals: first the texture's components (log detail
in the common frame), then the shape's (displacements of the 468 vertices of the mean face). Only
symmetric components take part: what is not symmetric in a face is mostly light and pose, and those
belong to the photograph, as do the components that pose and expression drive. All components explain
a photograph; the symmetric ones alone are replaced. Learned by `models.training.prior`; Blanz and
Vetter (SIGGRAPH 1999) is the ancestor.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from models.frame import Frame
from models.lighting import CHROMA
from models.mesh import VERTICES, Array
from models.weights import load

EVERY = 7  # one pixel of this many is used to find the coefficients
ROBUST = (3, 3, 1)  # rounds of reweighting when a face is projected: one of so many of those pixels is used in each
# Of the way from a draw's apparent traits to those shown: a beard's shadow on a woman is odder than ten years.
SUITED = {"sex": 1.0, "age": 0.3}
# Along the trait called sex: means of the training's women and men, of texture and of shape, and what tells them apart
# best (2.8 % of them wrong): texture and a part of shape, from a value on, and how far from it that is plain.
WOMEN, MEN = (1.36, 1.19), (-0.48, -0.44)
SEX_SHAPE, SEX_MIDDLE, SEX_PLAIN = 0.5, 0.45, 0.15
OUTLIER = 2.6  # standard deviations beyond which the model does not explain a pixel


@dataclass(frozen=True)
class Projection:
    """A face in the terms of the prior.

    latent: [latent_size], the identity that the photograph shows; explained: [T, T, 3] log detail;
    lopsided: [T, T, 3], the part of it that is not symmetric; contrast: how strongly the photograph shows brows, eyes,
    nose and lips, in parts of the mean face's (soft light, a bright exposure or dark skin show less).
    """

    latent: Array
    explained: Array
    lopsided: Array
    contrast: float


class LinearPrior:
    def __init__(self, tensors: dict[str, torch.Tensor], version: str, device: str = "cpu") -> None:
        self.version = version
        self.frame = Frame(tensors["mean_shape"].numpy(), tensors["uv"].numpy(), int(tensors["side"]))
        self.device = torch.device(device)
        self._mean = tensors["texture_mean"].float().to(self.device)
        own = tensors["texture_basis"].float() * tensors["texture_scale"].float()[:, None]
        self._identity_rows = len(own)
        # [K + P, n], each row times a standard normal; the identity's rows come first.
        self._basis = torch.vstack([own, tensors["texture_pose"].float()]).to(self.device)
        self._subset = self._basis[:, ::EVERY].contiguous()
        self._spread = tensors["texture_residual"].float().to(self.device)  # [n], what the rows leave over
        self._shapes = torch.vstack([tensors["shape_basis"].float(), tensors["shape_pose"].float()])  # [S + P, 1404]
        self.expressions = tensors["shape_pose"].float().numpy()  # [P, 1404], how pose and expression move the vertices
        self.texture_size = int(tensors["texture_symmetric"])
        self.shape_size = int(tensors["shape_symmetric"])
        self.traits = {k.removeprefix("trait_"): v.numpy() for k, v in tensors.items() if k.startswith("trait_")}

    @classmethod
    def load(cls, path: Path, device: str = "cpu") -> "LinearPrior":
        tensors, version = load(path)
        return cls(tensors, version, device)

    @cached_property
    def halved(self) -> "LinearPrior":
        """The same prior in a frame of half the side: what small faces show of it, for a quarter of the time."""
        frame = self.frame.halved
        rows = torch.vstack([self._mean[None], self._spread[None], self._basis])
        (mean, spread), basis = (part.cpu() for part in self._pooled(rows, frame).split([2, len(self._basis)]))
        tensors = {
            "mean_shape": torch.from_numpy(frame.mean),
            "uv": torch.from_numpy(frame.uv),
            "side": torch.tensor(frame.side),
            "texture_mean": mean,
            "texture_residual": spread,
            "texture_basis": basis[: self._identity_rows],
            "texture_scale": torch.ones(self._identity_rows),
            "texture_pose": basis[self._identity_rows :],
            "texture_symmetric": torch.tensor(self.texture_size),
            "shape_basis": self._shapes[: len(self._shapes) - len(self.expressions)],
            "shape_pose": torch.from_numpy(self.expressions),
            "shape_symmetric": torch.tensor(self.shape_size),
        }
        traits = {f"trait_{name}": torch.from_numpy(trait) for name, trait in self.traits.items()}
        return LinearPrior(tensors | traits, self.version, str(self.device))

    def _pooled(self, rows: torch.Tensor, frame: Frame) -> torch.Tensor:
        """Packed textures [k, n] as they are packed in a `frame` of half the side, [k, m]."""
        (fine, coarse), (half_fine, half_coarse) = self._packing, packing(frame)
        ends = [int(mask.sum()) for mask in (fine, coarse, coarse)]
        masks = (fine, half_fine), (coarse, half_coarse), (coarse, half_coarse)
        parts = zip(rows.split(ends, 1), masks, strict=True)
        return torch.hstack([_averaged(part, mask, half_mask) for part, (mask, half_mask) in parts])

    @property
    def latent_size(self) -> int:
        return self.texture_size + self.shape_size

    def sample(self, rng: np.random.Generator, count: int) -> Array:
        """Draw identities: float32 [count, latent_size], each on the typical shell of the normal distribution."""
        draws = rng.standard_normal((count, self.latent_size)).astype(np.float32)
        return np.clip(draws, -2.5, 2.5)

    @property
    def blocks(self) -> tuple[slice, slice]:
        """The places of texture and of shape in a latent."""
        return slice(0, self.texture_size), slice(self.texture_size, self.latent_size)

    def suit(self, latents: Array, shown: Array, strength: tuple[float, float] = (1.0, 1.0)) -> Array:
        """Condition identities on the apparent sex and age of a face (the traits that were learned).

        Args:
            latents: [count, latent_size], drawn freely.
            shown: [latent_size], the identity that a photograph shows.
            strength: how many times as strong texture and shape of an identity will be rendered; traits are to be
                seen as they are, not exaggerated.

        Returns:
            [count, latent_size]: each block moved, by as little as possible, so that its traits come near those
            shown (within two standard deviations of the mean).
        """
        out = latents.copy()
        share = np.array([SUITED[name] for name in self.traits])
        axes = [np.stack([trait[block] for trait in self.traits.values()]) for block in self.blocks]
        axes = [directions / np.linalg.norm(directions, axis=1, keepdims=True) for directions in axes]
        seen = [np.clip(directions @ shown[block], -2, 2) for directions, block in zip(axes, self.blocks, strict=True)]
        wanted = _typical(seen, list(self.traits).index("sex"))
        for directions, block, want, strong in zip(axes, self.blocks, wanted, strength, strict=True):
            gap = want / strong - latents[:, block] @ directions.T
            out[:, block] += (share * gap) @ np.linalg.pinv(directions).T
        return out

    def change(
        self,
        before: Array,
        after: Array,
        contrast: float = 1.0,
        share: Array | float = 1.0,
        farthest: float = np.inf,
    ) -> tuple[Array, Array]:
        """What turns one identity into another.

        Args:
            before, after: latents [latent_size].
            contrast: by which the new face's detail is multiplied, all of it; see `Projection`.
            share: [T, T] or one number, how much of what makes the new face unlike the mean is drawn at each place.
            farthest: deviations of people at that place at which the new face's lightness comes to rest, softly.

        Returns:
            difference of log detail [T, T, 3], and of the mean face's vertices [468, 3].
        """
        both = np.stack([before, after]).astype(np.float32)[:, : self.texture_size]
        details = torch.from_numpy(both).to(self.device) @ self._basis[: self.texture_size]
        details[0] += (1 - contrast) * self._mean
        details[1] *= contrast
        if np.isfinite(farthest):
            lightness, most = slice(len(self._variety)), contrast * farthest * self._variety
            details[1, lightness] = most * torch.tanh(details[1, lightness] / most)
        old, new = (self._unpack(detail) for detail in details.cpu().numpy())
        return np.asarray(share, np.float32)[..., None] * new - old, self.displace(before, after)

    def displace(self, before: Array, after: Array) -> Array:
        """The second half of `change`: [468, 3]; of several identities [n, latent_size] at once, [n, 468, 3]."""
        shape = torch.from_numpy(np.asarray(after - before, np.float32)[..., self.texture_size :])
        return (shape @ self._shapes[: self.shape_size]).reshape(*shape.shape[:-1], VERTICES, 3).numpy()

    def project(self, detail: Array, facing: Array, aligned: Array) -> Projection:
        """Explain a face.

        Args:
            detail: log detail [T, T, 3] in the frame.
            facing: [T, T], 0 where the camera does not see the face.
            aligned: [468, 3] vertices laid on the mean face.
        """
        values = torch.from_numpy(self._pack(detail)).to(self.device)
        seen = torch.from_numpy(self._pack(np.dstack([facing] * 3))).to(self.device)
        difference = values - self._mean
        noise = self._spread**2 + 0.03**2
        few = slice(None, None, EVERY)  # a regular subset of the pixels tells the coefficients as well as all
        basis, part, part_noise, part_seen = self._subset, difference[few], noise[few], seen[few]
        weight = part_seen.clone()
        for step in ROBUST:
            some = slice(None, None, step)
            weighed = basis[:, some] * (weight[some] / (part_noise[some] / (step * EVERY)))
            system = weighed @ basis[:, some].T + torch.eye(len(basis), device=self.device)
            coefficients = torch.linalg.solve(system, weighed @ part[some])
            error = (part - coefficients @ basis) / torch.sqrt(part_noise)
            weight = part_seen / (1 + (error / OUTLIER) ** 4)
        explained = self._unpack((self._mean + coefficients @ self._basis).cpu().numpy())
        uneven = slice(self.texture_size, self._identity_rows)
        lopsided = self._unpack((coefficients[uneven] @ self._basis[uneven]).cpu().numpy())
        latent = np.concatenate([coefficients[: self.texture_size].cpu().numpy(), self._project_shape(aligned)])
        return Projection(latent, explained, lopsided, self._contrast(values, seen))

    def _contrast(self, values: torch.Tensor, seen: torch.Tensor) -> float:
        """Of packed log detail [n], by its lightness where it is seen, but for eyeballs and the open mouth."""
        count = len(self._features)
        mean = self._mean[:count] * seen[:count] * self._features
        shown = float(mean @ self._mean[:count])
        return float(mean @ values[:count]) / shown if shown > 0 else 1.0

    def _project_shape(self, aligned: Array) -> Array:
        offset = torch.from_numpy((aligned - self.frame.mean).reshape(-1))
        noise = 0.004**2
        system = self._shapes @ self._shapes.T / noise + torch.eye(len(self._shapes))
        return torch.linalg.solve(system, self._shapes @ offset / noise)[: self.shape_size].numpy()

    @cached_property
    def _variety(self) -> torch.Tensor:
        """float32 [m]: by how much people differ in lightness, each pixel of a packed texture, one deviation."""
        lightness = self._basis[: self.texture_size, : int(self.frame.inside.sum())]
        return torch.linalg.norm(lightness, dim=0).clamp_min(1e-4)

    @cached_property
    def _features(self) -> torch.Tensor:
        """float32 [m], for the lightness of a packed texture: 0 on eyeballs and in the open mouth, else 1."""
        fixed = self.frame.features["eyeballs"] | self.frame.features["mouth"]
        return torch.from_numpy((~fixed[self.frame.inside]).astype(np.float32)).to(self.device)

    @cached_property
    def _packing(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        return packing(self.frame)

    def _pack(self, image: Array) -> Array:
        return pack(image, *self._packing)

    def _unpack(self, values: Array) -> Array:
        fine, coarse = self._packing
        side, split = self.frame.side, int(fine.sum())
        out = np.zeros((side, side, 3), np.float32)
        out[..., 0][fine] = values[:split]
        for k, part in enumerate(np.split(values[split:], 2)):
            small = np.zeros(coarse.shape, np.float32)
            small[coarse] = part
            out[..., 1 + k] = cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR)
        return out


def _averaged(rows: torch.Tensor, mask: NDArray[np.bool_], half: NDArray[np.bool_]) -> torch.Tensor:
    """Pixels [k, n] in the `mask` of k images, four in one as those in the mask `half` [k, m]."""
    inside, wanted = (torch.from_numpy(np.flatnonzero(one)).to(rows.device) for one in (mask, half))
    out = []
    for some in rows.split(32):
        images = some.new_zeros(len(some), mask.size).index_copy_(1, inside, some).view(1, len(some), *mask.shape)
        out.append(functional.avg_pool2d(images, 2).view(len(some), -1)[:, wanted])
    return torch.vstack(out)


def _typical(seen: list[Array], sex: int) -> list[Array]:
    """Traits [traits] of texture and of shape, with the one called sex, where it is plain, at least its group's mean.

    A photograph may show little of it (soft light, short hair); an identity that shows as little looks like neither.
    """
    side = float(seen[0][sex] + SEX_SHAPE * seen[1][sex]) - SEX_MIDDLE
    if abs(side) < SEX_PLAIN:
        return seen
    wanted = [one.copy() for one in seen]
    for one, woman, man in zip(wanted, WOMEN, MEN, strict=True):
        one[sex] = max(one[sex], woman) if side > 0 else min(one[sex], man)
    return wanted


def packing(frame: Frame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which pixels a packed texture holds: lightness at full size, colour at 1 / CHROMA of it."""
    size = frame.side // CHROMA
    small = cv2.resize(frame.inside.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    return frame.inside, small > 0


def pack(image: Array, fine: NDArray[np.bool_], coarse: NDArray[np.bool_]) -> Array:
    """[T, T, 3] to the vector [n] of lightness and both colour differences inside the face."""
    small = cv2.resize(image[..., 1:], coarse.shape[::-1], interpolation=cv2.INTER_AREA)
    return np.concatenate([image[..., 0][fine], small[..., 0][coarse], small[..., 1][coarse]]).astype(np.float32)
