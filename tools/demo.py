"""Track the objects of your own video.

    python tools/demo.py CONFIG CHECKPOINT VIDEO --out FOLDER

VIDEO is a video file, a folder of frames (in the order of their numbers), or a
camera index such as 0. FOLDER gets

    NAME.mp4                   the video with masks, boxes and ids drawn
    NAME.json                  one record a track, as tools/test_video.py writes them,
                               with the name of its category
    masks/ID/FRAME.png         with --masks: a mask a frame and object, 0 and 255

It runs on a GPU if there is one, else on the CPU. Ctrl-C ends it and keeps
what was done so far.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils.cli import ToolParser, run_tool  # noqa: E402  (no torch yet)


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file of the detector; it is Python and will be run')
    add('checkpoint', help='path or URL of its weights')
    add('video', help='video file, folder of frames, or camera index')
    add('--out', default='demo_out', metavar='FOLDER', help='where the files go')
    add('--masks', action='store_true', help='write a PNG mask for every object and frame')
    add('--score-thr', type=float, default=0.3, metavar='S',
        help='leave out objects below this score in drawings and masks; the json keeps all')
    add('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    add('--fps', type=float, help='of the mp4; default: that of the video, 10 for frames')
    add('--max-frames', type=int, metavar='N', help='stop after N frames')
    add('--show', action='store_true', help='show frames in a window too (q ends)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from mmdet.apis.demo import DemoOptions, run_demo
    run_demo(DemoOptions(**vars(args)))


if __name__ == '__main__':
    run_tool(main)
