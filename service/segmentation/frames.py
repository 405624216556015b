"""A Segmentation of one frame, led over all frames of its photograph (PS3.3 C.7.6.16, C.7.6.17, C.8.20.2).

The IODs of photographs say nothing about where their frames lie or when they were taken: pages are numbered, and that
is all. The library that makes a Segmentation refuses such sources, because it looks for positions in space. Here each
frame names the one frame of the photograph that it belongs to, in its Derivation Image, and the second dimension is
Frame Label (0020,9453), which the standard has for dimensions that an application defines.
"""

from collections.abc import Sequence as Many
from copy import deepcopy

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from service.segmentation.words import DIMENSIONS


def over_frames(made: Dataset, masks: Many[NDArray[np.bool_]]) -> None:
    """Give `made`, which has one frame for each segment, one for each segment and frame of the photograph.

    `masks` are those of the segments in their order, bool [frames, H, W] each; frames go by segment first.
    """
    frames = len(masks[0])
    made.DimensionIndexSequence.append(_by_label(made.DimensionIndexSequence[0]))
    first = list(made.PerFrameFunctionalGroupsSequence)
    groups = [_group(group, number) for group in first for number in range(1, frames + 1)]
    made.PerFrameFunctionalGroupsSequence = Sequence(groups)
    made.NumberOfFrames = len(groups)
    bits = np.packbits(np.concatenate([mask.ravel() for mask in masks]), bitorder="little").tobytes()
    made.PixelData = bits + b"\0" * (len(bits) % 2)


def _by_label(segment: Dataset) -> Dataset:
    item = Dataset()
    item.DimensionOrganizationUID = segment.DimensionOrganizationUID
    item.DimensionIndexPointer = Tag("FrameLabel")
    item.FunctionalGroupPointer = Tag("FrameContentSequence")
    item.DimensionDescriptionLabel = DIMENSIONS[1]
    return item


def _group(first: Dataset, number: int) -> Dataset:
    """The functional groups of a segment's first frame, for frame `number` of the photograph, from 1 on."""
    group = deepcopy(first)
    (content,), (derivation,) = group.FrameContentSequence, group.DerivationImageSequence
    values = content.DimensionIndexValues
    content.DimensionIndexValues = [*(values if isinstance(values, list) else [values]), number]
    content.FrameLabel = str(number)
    (source,) = derivation.SourceImageSequence
    source.ReferencedFrameNumber = number
    return group
