from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefold.data.journal import Journal, read_journal
from fivefold.errors import DataError

ENTRIES = [{"id": "a0001", "sha256": "ab"}, {"id": "ä\n"}, {}]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as open_journal:
        for entry in ENTRIES:
            open_journal.add(entry)
    return path


def test_entries_come_back(journal: Path) -> None:
    """What was added is read, in order, and a second opening adds at the end."""
    with Journal(journal) as again:
        again.add({"n": 4})
    assert read_journal(journal) == [*ENTRIES, {"n": 4}]


def test_no_file_is_an_empty_journal(tmp_path: Path) -> None:
    """A first run starts from nothing."""
    assert read_journal(tmp_path / "none") == []


@given(cut=st.integers(0, 60))
@settings(max_examples=60)
def test_a_kill_at_any_byte_loses_only_the_last_entries(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    """Every prefix of a journal reads as a prefix of its entries, and can be added to."""
    path = tmp_path_factory.mktemp("journal") / "j"
    with Journal(path) as journal:
        for entry in ENTRIES:
            journal.add(entry)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - min(cut, len(whole))])
    read = read_journal(path)
    assert read == ENTRIES[: len(read)]
    with Journal(path) as journal:
        journal.add({"later": True})
    assert read_journal(path) == [*read, {"later": True}]


@pytest.mark.parametrize("line", [b"{", b"[1]", b"\xff"])
def test_damage_elsewhere_is_told(journal: Path, line: bytes) -> None:
    """Only the last line may be cut short; damage before it is no interrupted write."""
    journal.write_bytes(line + b"\n" + journal.read_bytes())
    with pytest.raises(DataError, match="line 1"):
        read_journal(journal)


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(DataError, match=r"none/j"):
        Journal(tmp_path / "none" / "j")
