"""Learn the linear prior from a folder of portraits.

    python -m models.training.prior --portraits DIR --out models/weights/linear_prior.safetensors
        [--people portraits.csv] [--exclude DIR] [--holdout 150]

Every portrait and its mirror image are registered through the mesh; light is divided out; portraits
with glasses or turned away are left out; what is hidden or odd (hair, hands, reflections) is masked
and filled in by the model itself (expectation maximisation). `--exclude` names a folder of other
photographs: people who appear there are held out of the training, and with `--holdout` as many more
that the held-out list has that length. The list is written beside the weights.
"""

import argparse
import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from models.frame import SIDE, Frame, unroll
from models.lighting import split
from models.mesh import RIGHT_EYE, VERTICES, Array, Mesher, fit_similarity
from models.occlusion import bridge_edges
from models.prior import pack, packing
from models.recognizer import Recognizer
from models.weights import save

TEXTURE_COMPONENTS = 210
SHAPE_COMPONENTS = 40
POSE_COMPONENTS = 8  # one for each driver: yaw, |yaw|, pitch and five of expression
GLASSES = 0.04  # strength of horizontal edges across the bridge of the nose, log units a pixel
MAX_YAW = 22.0
ROUNDS = 5
SAME_PERSON = 0.45  # dlib distance


@dataclass
class Portrait:
    name: str
    image: np.ndarray
    vertices: Array


def read(folder: Path, mesher: Mesher) -> list[Portrait]:
    """All portraits of a folder in which the mesh is found."""
    found = []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".jpeg", ".png"}):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        height, width = image.shape[:2]
        vertices = mesher.fit(image, (0.2 * width, 0.2 * height, 0.8 * width, 0.8 * height))
        if vertices is not None:
            found.append(Portrait(path.name, image, vertices))
    return found


def hold_out(portraits: list[Portrait], exclude: Path | None, count: int) -> list[str]:
    """Names to keep out of the training: people in `exclude`, then others by a hash of the name."""
    names = []
    if exclude:
        recognizer = Recognizer()
        images = [cv2.cvtColor(cv2.imread(str(p)), cv2.COLOR_BGR2RGB) for p in sorted(exclude.glob("*.jpg"))]
        others = [e for e in map(recognizer.embed, images) if e is not None]
        for portrait in portraits:
            own = recognizer.embed(portrait.image)
            if own is not None and min(np.linalg.norm(own - e) for e in others) < SAME_PERSON:
                names.append(portrait.name)
    rest = [p.name for p in portraits if p.name not in names]
    rest.sort(key=lambda name: hashlib.sha256(name.encode()).digest())
    return sorted(names + rest[: max(count - len(names), 0)])


def symmetric_mean(shapes: list[Array]) -> tuple[Array, np.ndarray]:
    """The mean of near-frontal shapes, made symmetric, and each vertex's mirrored vertex."""
    mean = shapes[0] - shapes[0].mean(0)
    for _ in range(5):
        mean = np.mean([fit_similarity(s, mean).apply(s) for s in shapes], axis=0)
        mean = (mean - mean.mean(0)).astype(np.float32)
    mirrored = mean * np.array([-1, 1, 1], np.float32)
    for _ in range(3):
        cost = ((mean[:, None] - mirrored[None]) ** 2).sum(2)
        pair = linear_sum_assignment(cost)[1]
        flipped = (mean * [-1, 1, 1])[pair].astype(np.float32)
        mirrored = fit_similarity(flipped, mean).apply((mean * [-1, 1, 1]).astype(np.float32))
    middle = (mean + mirrored[pair]) / 2
    axis = np.linalg.svd(middle - middle[pair])[2][0]
    axis *= np.sign(axis[0])
    turn = fit_similarity(np.vstack([middle, middle + axis * 100]), np.vstack([middle, middle + np.array([100, 0, 0])]))
    middle = middle @ turn.rotation
    middle = middle - middle.mean(0)
    middle = (middle + middle[pair] * [-1, 1, 1]) / 2
    return (middle / np.abs(middle[:, :2]).max()).astype(np.float32), pair


def expression(aligned: Array) -> Array:
    """Openness of mouth, its width and the lift of its corners, openness of the eyes."""

    def gap(a: int, b: int) -> float:
        return float(np.linalg.norm(aligned[a] - aligned[b]))

    corners = (aligned[61, 1] + aligned[291, 1]) / 2 - (aligned[0, 1] + aligned[17, 1]) / 2
    return np.array([gap(13, 14), gap(61, 291), corners, gap(159, 145), gap(386, 374)], np.float32)


def separate(rows: Array, drivers: Array) -> tuple[Array, Array]:
    """Remove from centred rows [N, n] what pose and expression explain.

    Returns:
        what is left, and the basis [P, n] of what was removed, in standard deviations.
    """
    x = (drivers - drivers.mean(0)) / drivers.std(0)
    slopes = np.linalg.lstsq(x, rows, rcond=None)[0]
    explained = x @ slopes
    _, vectors = np.linalg.eigh(explained @ explained.T)
    vectors = vectors[:, ::-1][:, :POSE_COMPONENTS] * np.sqrt(len(rows))
    return (rows - explained).astype(np.float32), (vectors.T @ explained / len(rows)).astype(np.float32)


def principal(rows: Array, count: int) -> tuple[Array, Array]:
    """Principal components [count, n], scaled to one standard deviation, and the coefficients [N, count]."""
    gram = rows @ rows.T
    values, vectors = np.linalg.eigh(gram)
    values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    deviation = np.sqrt(np.maximum(values, 1e-12) / len(rows))
    coefficients = vectors * np.sqrt(len(rows))
    basis = (coefficients.T @ rows) / len(rows)
    assert np.allclose(np.linalg.norm(basis, axis=1), deviation, rtol=1e-2)
    return basis.astype(np.float32), coefficients.astype(np.float32)


@dataclass
class TextureModel:
    """mean [n], identity basis [K, n] with coefficients [N, K], pose basis [P, n], residual deviation [n]."""

    mean: Array
    basis: Array
    coefficients: Array
    pose: Array
    spread: Array


def fit_texture(rows: Array, seen: Array, drivers: Array, count: int) -> TextureModel:
    """Masked, robust principal components of what pose and expression do not explain."""
    weight = seen.copy()
    mean = (rows * weight).sum(0) / np.maximum(weight.sum(0), 1e-3)
    filled = rows * weight + mean * (1 - weight)
    for turn in range(ROUNDS):
        mean = filled.mean(0)
        left, pose = separate(filled - mean, drivers)
        basis, coefficients = principal(left, count if turn == ROUNDS - 1 else count // 4)
        model = filled - left + coefficients @ basis
        residual = rows - model
        spread = np.sqrt((weight * residual**2).sum(0) / np.maximum(weight.sum(0), 1))
        weight = seen / (1 + (residual / (3.0 * np.maximum(spread, 0.02))) ** 4)
        filled = rows * weight + model * (1 - weight)
    return TextureModel(mean, basis, coefficients, pose, spread)


def even(coefficients: Array) -> np.ndarray:
    """Which components are symmetric, bool [K].

    Rows alternate between a portrait and its mirror image, so a component's coefficients agree within
    such a pair when it is symmetric and are opposite when it is not.
    """
    return (coefficients[0::2] * coefficients[1::2]).sum(0) > 0


def traits(coefficients: Array, people: dict[str, dict[str, str]], names: list[str]) -> dict[str, Array]:
    """Directions in the latent space that tell apparent sex and age (ridge regression on standardised labels)."""
    labels = {
        "sex": [1.0 if people.get(n, {}).get("gender") == "female" else -1.0 for n in names],
        "age": [float(people.get(n, {}).get("age_at_most") or "nan") for n in names],
    }
    out = {}
    for name, values in labels.items():
        y = np.array(values, np.float32)
        known = np.isfinite(y)
        if known.sum() < 100:
            continue
        x, y = coefficients[known], (y[known] - y[known].mean()) / y[known].std()
        out[name] = np.linalg.solve(x.T @ x + 0.5 * len(x) * np.eye(x.shape[1]), x.T @ y).astype(np.float32)
    return out


def quantise(basis: Array) -> tuple[torch.Tensor, torch.Tensor]:
    """int8 with one scale a row: a quarter of the size, and errors far below a grey level."""
    scale = np.abs(basis).max(1) / 127
    return torch.from_numpy(np.round(basis / scale[:, None]).astype(np.int8)), torch.from_numpy(
        scale.astype(np.float32)
    )


def learn(folder: Path, people_file: Path | None, exclude: Path | None, holdout: int, out: Path) -> None:
    cv2.setRNGSeed(1)
    portraits = read(folder, Mesher())
    held = set(hold_out(portraits, exclude, holdout))
    training = [p for p in portraits if p.name not in held]
    mean, pair = symmetric_mean(_most_frontal([p.vertices for p in training]))
    frame = Frame(mean, unroll(mean))

    rows, seen, shapes, drivers, names, dropped = [], [], [], [], [], 0
    plan = packing(frame)
    for portrait in training:
        similarity = fit_similarity(portrait.vertices, mean)
        yaw, pitch, _ = similarity.yaw_pitch_roll
        texture, facing = frame.pull(portrait.image, portrait.vertices)
        detail = split(texture, frame.skin * facing).detail
        if abs(yaw) > MAX_YAW or bridge_edges(detail[..., 0], frame) > GLASSES:
            dropped += 1
            continue
        aligned = similarity.apply(portrait.vertices)
        mirrored = (aligned[pair] * [-1, 1, 1]).astype(np.float32)
        for texture_, facing_, aligned_, yaw_ in (
            (detail, facing, aligned, yaw),
            (detail[:, ::-1], facing[:, ::-1], mirrored, -yaw),
        ):
            rows.append(pack(np.ascontiguousarray(texture_), *plan))
            seen.append(pack(np.ascontiguousarray(np.dstack([facing_] * 3)), *plan))
            shapes.append(aligned_.reshape(-1))
            drivers.append(np.concatenate([[yaw_, abs(yaw_), pitch], expression(aligned_)]))
            names.append(portrait.name)
    model = fit_texture(np.array(rows), np.array(seen), np.array(drivers), TEXTURE_COMPONENTS)
    mean_shape = np.array(shapes).mean(0)
    left, pose = separate(np.array(shapes) - mean_shape, np.array(drivers))
    shape_basis, shape_coefficients = principal(left, SHAPE_COMPONENTS)
    symmetric, shape_symmetric = even(model.coefficients), even(shape_coefficients)
    order, shape_order = np.argsort(~symmetric, kind="stable"), np.argsort(~shape_symmetric, kind="stable")
    identity = np.hstack([model.coefficients[:, symmetric], shape_coefficients[:, shape_symmetric]])
    quantised, scale = quantise(model.basis[order])
    people = _people(people_file)
    tensors = {
        "mean_shape": torch.from_numpy(mean_shape.reshape(VERTICES, 3).astype(np.float32)),
        "uv": torch.from_numpy(frame.uv),
        "side": torch.tensor(SIDE),
        "texture_mean": torch.from_numpy(model.mean.astype(np.float16)),
        "texture_basis": quantised,
        "texture_scale": scale,
        "texture_symmetric": torch.tensor(int(symmetric.sum())),
        "texture_pose": torch.from_numpy(model.pose.astype(np.float16)),
        "texture_residual": torch.from_numpy(model.spread.astype(np.float16)),
        "shape_basis": torch.from_numpy(shape_basis[shape_order]),
        "shape_symmetric": torch.tensor(int(shape_symmetric.sum())),
        "shape_pose": torch.from_numpy(pose),
    } | {f"trait_{k}": torch.from_numpy(v) for k, v in traits(identity, people, names).items()}
    provenance = {
        "method": "masked principal components of registered log detail, 384 px, mirror images included",
        "portraits": f"{len(names) // 2} used, {dropped} left out (glasses or turned), {len(held)} held out",
        "explained": f"{_explained(np.array(rows), model):.3f}",
        "training": "models.training.prior",
    }
    save(out, tensors, "linear-prior-1", provenance)
    out.with_name("split.json").write_text(json.dumps({"held_out": sorted(held)}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(provenance, indent=1))  # noqa: T201 - the command's result


def _most_frontal(shapes: list[Array]) -> list[Array]:
    """The quarter of the shapes that look most straight into the camera."""
    first = shapes[0]
    angles = np.array([fit_similarity(s, first).yaw_pitch_roll for s in shapes])
    eyes = [abs(s[RIGHT_EYE[0], 2] - s[263, 2]) / np.ptp(s[:, 0]) for s in shapes]
    oddness = np.abs(angles - np.median(angles, 0)).sum(1) + 100 * np.array(eyes)
    return [shapes[i] for i in np.argsort(oddness)[: max(len(shapes) // 4, 10)]]


def _people(path: Path | None) -> dict[str, dict[str, str]]:
    if path is None:
        return {}
    with path.open(encoding="utf-8") as file:
        return {row["file"]: row for row in csv.DictReader(file)}


def _explained(rows: Array, model: TextureModel) -> float:
    left = rows - model.mean - model.coefficients @ model.basis
    return float(1 - (left**2).sum() / ((rows - model.mean) ** 2).sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--people", type=Path, help="CSV with file, gender and age_at_most; default: portraits.csv in the folder"
    )
    parser.add_argument("--exclude", type=Path, help="folder of photographs whose people are held out")
    parser.add_argument("--holdout", type=int, default=150)
    options = parser.parse_args()
    people = options.people or options.portraits / "portraits.csv"
    learn(options.portraits, people if people.is_file() else None, options.exclude, options.holdout, options.out)


if __name__ == "__main__":
    main()
