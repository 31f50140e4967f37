"""Thousands of damaged files: none hangs, none kills the process."""
import pathlib
import subprocess
import sys

TOOL = pathlib.Path(__file__).with_name('fuzz_evaluation.py')


def test_damaged_inputs_give_a_score_or_one_sentence():
    done = subprocess.run([sys.executable, '-X', 'faulthandler', TOOL, '--count', '2000'],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    count, refused = (int(word) for word in done.stdout.split() if word.isdigit())
    assert count == 2000 and 1000 < refused < 2000
