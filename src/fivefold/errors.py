"""Every exception that fivefold raises for something that is not the caller's mistake.

::

    FivefoldError
    ├── PhotoError                 a photo, named in the message
    │   ├── PhotoReadError         missing, empty, truncated, not a picture
    │   │   └── PhotoTooLargeError more pixels than the limit allows
    │   ├── UnsupportedPhotoError  a real picture that we do not handle, with the reason
    │   └── PhotoWriteError        folder missing or read-only, disk full
    ├── VideoError                 a video, named in the message
    │   ├── VideoReadError         missing, not a video, no frame that can be decoded
    │   ├── UnsupportedVideoError  a real video that is not handled, with the reason
    │   └── VideoWriteError        folder missing or read-only, disk full, codec not available
    ├── BundleError                a model bundle, named in the message
    │   ├── BundleDamagedError     not a bundle, truncated, hash mismatch
    │   └── BundleFormatError      written by a newer fivefold, or with parts unknown here
    ├── DataError                  a training or evaluation set, with the row or file
    ├── TrainingError              training cannot go on: a loss that is not finite, a bad file
    ├── ClusterError               a cluster that cannot be reached, or was lost
    ├── DeviceError                an accelerator that was asked for and cannot be used
    └── MissingExtraError          an optional part, with the extra that installs it

Mistakes of the caller (a wrong shape, a strength out of range) raise ``ValueError`` or
``TypeError`` with what was expected and what was received.
"""

from __future__ import annotations


class FivefoldError(Exception):
    """Base of all exceptions of this package."""


class PhotoError(FivefoldError):
    """Something about one photo; the message names it."""


class PhotoReadError(PhotoError):
    """The photo is missing, empty, truncated, or not a picture."""


class PhotoTooLargeError(PhotoReadError):
    """The photo has more pixels than the limit allows."""


class UnsupportedPhotoError(PhotoError):
    """The file is a picture of a kind that is not handled; the message gives the reason."""


class PhotoWriteError(PhotoError):
    """The result could not be written; nothing half-written was left."""


class VideoError(FivefoldError):
    """Something about one video; the message names it."""


class VideoReadError(VideoError):
    """The video is missing, no video, or has no frame that can be decoded."""


class UnsupportedVideoError(VideoError):
    """The file is a video of a kind that is not handled; the message gives the reason."""


class VideoWriteError(VideoError):
    """The result could not be written; nothing half-written was left."""


class BundleError(FivefoldError):
    """Something about a model bundle; the message names it."""


class BundleDamagedError(BundleError):
    """The file is no bundle, or it was truncated or changed."""


class BundleFormatError(BundleError):
    """The bundle was written by a newer fivefold, or holds parts unknown to this one."""


class DataError(FivefoldError):
    """A training or evaluation set is incomplete or damaged; the message names the row or file."""


class TrainingError(FivefoldError):
    """Training cannot go on."""


class ClusterError(FivefoldError):
    """A cluster cannot be reached, was lost, or has another fivefold on its machines."""


class DeviceError(FivefoldError):
    """An accelerator was asked for and cannot be used."""


class MissingExtraError(FivefoldError):
    """An optional part is not installed; the message names the extra that installs it."""

    def __init__(self, part: str, extra: str) -> None:
        super().__init__(f"{part} is not installed; run: pip install 'fivefold[{extra}]'")
        self.part = part
        self.extra = extra
