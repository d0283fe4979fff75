"""Lay the photos of one folder out beside those of the same name in another.

python examples/contact_sheet.py BEFORE AFTER SHEET.jpg
"""

import sys
from pathlib import Path

import fivefold
from fivefold.photo.formats import KNOWN_SUFFIXES
from fivefold.runtime.contact_sheet import contact_sheet

before, after, sheet = map(Path, sys.argv[1:])
pairs = [
    (path.name, fivefold.read_photo(path), fivefold.read_photo(after / path.relative_to(before)))
    for path in sorted(before.rglob("*"))
    if path.suffix.lower() in KNOWN_SUFFIXES and (after / path.relative_to(before)).is_file()
]
contact_sheet(pairs).save(sheet, quality=90)
