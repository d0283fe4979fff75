"""Videos: decoded, enhanced with grids that change smoothly in time, and encoded again.

The file is a pipeline, read downward: :mod:`~fivefold.video.reader` decodes,
:mod:`~fivefold.video.cuts` finds where a new shot begins, :mod:`~fivefold.video.timeline` predicts
grids and smooths them, :mod:`~fivefold.video.colour` takes frames to the model's RGB and back,
:mod:`~fivefold.video.encoders` and :mod:`~fivefold.video.writer` write.
:func:`fivefold.video.enhance.enhance_video` joins them. All needs PyAV (``fivefold[video]``).
"""
