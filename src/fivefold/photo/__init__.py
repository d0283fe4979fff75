"""Pictures as people have them: pixels, colour, metadata, files."""
