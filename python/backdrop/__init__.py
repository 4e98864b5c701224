"""Which backgrounds make an image classifier fail?

>>> model = backdrop.Model.load("resnet50-in9.pt")
>>> session = backdrop.Session(model, threads=8)
>>> session.classify(photos)                      # uint8 [N,H,W,3] -> float32 [N,classes]
>>> data = backdrop.SearchData(photos, masks, labels, backgrounds, background_labels)
>>> answers = backdrop.search(session, data, out="results")
>>> answers.predictions                           # int16 [F,B]
>>> backdrop.Results("results")[0].name           # the folder as a data set
"""

from ._backdrop import (Classifier, DeviceDescription, Error, Model, Progress, ScreeningSummary, SearchAnswers, SearchData,
                        SearchDataBuilder, Session, __version__, devices, read_photo, search)
from .results import Background, Foreground, Results

__all__ = ["Background", "Classifier", "DeviceDescription", "Error", "Foreground", "Model", "Progress", "Results",
           "ScreeningSummary", "SearchAnswers", "SearchData", "SearchDataBuilder", "Session", "__version__", "devices",
           "read_photo", "search"]
