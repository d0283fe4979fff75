"""Everything that enhances a photo with a trained bundle; no torch."""
