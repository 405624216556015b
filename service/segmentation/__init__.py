"""The map of what is synthetic as a DICOM object: a binary Segmentation beside each changed photograph (PS3.3 A.51).

data = segment(photograph, parts, model_version)     # both finished: nothing of the original is at hand
review(data, photograph, model_version)              # [] when nothing stands in it that should not
segmented(data)                                      # {"synthetic": masks, "preserved": masks}
"""

from service.segmentation.making import segment
from service.segmentation.reading import Masks, segmented
from service.segmentation.reviewing import review
from service.segmentation.words import TEXTS

__all__ = ["TEXTS", "Masks", "review", "segment", "segmented"]
