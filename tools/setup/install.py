"""Install what is missing of the requirement files given.

    python tools/setup/install.py requirements.txt [MORE.txt ...]

Packages that do the same as a required one (``opencv-python-headless``, ``mmcv``) are left alone.
"""
import subprocess
import sys
from importlib import metadata

from pip._vendor.packaging.requirements import Requirement

TWINS = {'opencv-python': ['opencv-python-headless', 'opencv-contrib-python'],
         'mmcv-lite': ['mmcv']}


def say(text):
    print(f'==> {text}', flush=True)


def pip(*arguments):
    return subprocess.run([sys.executable, '-m', 'pip', *arguments]).returncode == 0


def is_met(requirement):
    for name in [requirement.name, *TWINS.get(requirement.name, [])]:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        return requirement.specifier.contains(version, prereleases=True)
    return False


def missing(paths):
    """The lines of requirement files that are not met."""
    lines = [line.partition('#')[0].strip() for path in paths for line in open(path)]
    lines = [line for line in lines if line]
    return [line for line in [*lines, 'setuptools'] if not is_met(Requirement(line))]


def opencv_problem():
    """The last line of what ``import cv2`` says; empty if it works."""
    run = subprocess.run([sys.executable, '-c', 'import cv2'], capture_output=True, text=True)
    return run.stderr.strip().rpartition('\n')[2] if run.returncode else ''


def main(paths):
    """Install what the files want and this environment lacks; ends the process where that fails."""
    wanted = missing(paths)
    if wanted:
        say('installing ' + ' '.join(wanted))
        if not pip('install', '--disable-pip-version-check', *wanted):
            sys.exit(f'compile.sh: pip could not install {" ".join(wanted)}')
    problem = opencv_problem()
    if '.so' in problem:  # the desktop build wants libGL and friends, which servers lack
        say(f'{problem}: changing to opencv-python-headless')
        pip('uninstall', '-q', '-y', 'opencv-python', 'opencv-contrib-python')
        pip('install', '--disable-pip-version-check', '--force-reinstall', '--no-deps',
            'opencv-python-headless')
        problem = opencv_problem()
    if problem:
        sys.exit(f'compile.sh: OpenCV does not import: {problem}')


if __name__ == '__main__':
    main(sys.argv[1:])
