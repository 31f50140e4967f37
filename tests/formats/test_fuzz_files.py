"""Damaged files of every kind: the same as fuzz_files.py, a few of them."""
import fuzz_files


def test_damaged_files_give_a_value_or_one_sentence(tmp_path):
    counts, refused, _ = fuzz_files.fuzz(0, 1000, str(tmp_path))
    assert set(counts.values()) == {200}
    for kind in ('.pth', '.pkl', '.jsonl', '.jpg'):
        assert 50 < refused[kind] <= 200
