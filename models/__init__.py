"""Faces: find them, give them another identity, recognise them. Pictures are RGB uint8 [H, W, 3].

Knows nothing of DICOM or databases.
"""

from models.anonymizer import Anonymization, FaceAnonymizer, ReplacedFace
from models.backdrop import Backdrop, BackdropPainter
from models.faces import Face
from models.pose import turn_head
from models.reading import Head, HeadReader
from models.recognizer import Recognizer
from models.regions import REGIONS, Region
from models.text import TextFinder
from models.weights import WeightsError

__all__ = [
    "REGIONS",
    "Anonymization",
    "Backdrop",
    "BackdropPainter",
    "Face",
    "FaceAnonymizer",
    "Head",
    "HeadReader",
    "Recognizer",
    "Region",
    "ReplacedFace",
    "TextFinder",
    "WeightsError",
    "turn_head",
]
