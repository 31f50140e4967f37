"""Track the objects of your own videos.

    python tools/demo.py VIDEO [VIDEO ...] --out FOLDER
    python tools/demo.py CONFIG CHECKPOINT VIDEO [VIDEO ...] --out FOLDER
    python tools/demo.py CONFIG VIDEO [VIDEO ...] --onnx FILE --out FOLDER

Without CONFIG and CHECKPOINT it finds the 80 classes of COCO: torchvision's Mask R-CNN, whose
weights are downloaded once, tracks without training (configs/mask_rcnn_r50_fpn_coco_track.py).

VIDEO is a video file, a folder of frames (in the order of their numbers), a
folder of such folders or files, a picture, a stream URL, or a camera index such
as 0. For each of them FOLDER/NAME/ gets

    NAME.json                  every track: id, class, score, and in each frame its mask and
                               box; described in .github/docs/demo.md
    NAME.mp4                   the video with masks, boxes and ids drawn (NAME.png of a picture)
    masks/ID/FRAME.png         with --masks: a mask a frame and object, 0 and 255

It runs on a GPU if there is one, else on the CPU. Ctrl-C and SIGTERM end it and
keep what was found so far; so does a frame that cannot be read.

With --live it follows one camera or stream, drops frames instead of lagging behind, and says how
many frames a second and how late; FOLDER/NAME/ gets NAME.jsonl, a line a frame, and NAME.mp4.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool  # noqa: E402  (no torch yet)

CONFIG_FILES = '.py', '.json', '.yml', '.yaml'


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__, usage='%(prog)s [CONFIG CHECKPOINT] VIDEO [VIDEO ...] [options]')
    add = parser.add_argument
    add('video', nargs='+', metavar='[CONFIG CHECKPOINT] VIDEO',
        help='config file of a detector (it is Python and will be run), path or URL of its '
        'weights, then video files, folders of frames or of videos, pictures, URLs, or camera '
        'indices')
    add('--out', default='demo_out', metavar='FOLDER', help='where the files go')
    add('--masks', action='store_true', help='write a PNG mask for every object and frame')
    add('--score-thr', type=float, default=0.3, metavar='S',
        help='leave out objects below this score in drawings and masks; the json keeps all')
    add('--device', help='cpu, cuda, cuda:1; default: a GPU if there is one')
    add('--amp', action='store_true', default=None,
        help='half precision: bfloat16 on CPUs that have it, float16 on GPUs')
    add('--compile', action='store_true', default=None,
        help='let Inductor compile the network: faster after a minute or so')
    add('--fps', type=float, help='of the mp4; default: that of the video, 10 for frames')
    add('--max-frames', type=int, metavar='N', help='stop after N frames')
    add('--show', action='store_true', help='show frames in a window too (q ends)')
    add('--codec', default='auto', choices=['auto', 'h264', 'vp9', 'mpeg4'],
        help='of the mp4; auto: the first of them that works here')
    add('--live', action='store_true',
        help='of a camera or stream: drop frames instead of lagging behind; writes NAME.jsonl')
    add('--onnx', metavar='FILE', help='run the network that tools/export.py wrote')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={}, metavar='KEY=VALUE',
        help='override the config, e.g. test_cfg.rcnn.score_thr=0.1')
    args = parser.parse_args()
    args.config, args.checkpoint, args.video = split_names(parser, args.video, args.onnx)
    return args


def split_names(parser: ToolParser, names: list[str],
                onnx: str | None) -> tuple[str, str | None, list[str]]:
    """Config, checkpoint and videos; a config is known by how its name ends."""
    if not names[0].endswith(CONFIG_FILES):
        if names[0].endswith('.pth'):
            parser.error(f'{names[0]} is a checkpoint: name the config it was trained with first')
        return 'coco', None, names
    config, *names = names
    checkpoint = names.pop(0) if names and onnx is None else None
    if not names:
        parser.error('name a video after the ' + ('checkpoint' if onnx is None else 'config'))
    return config, checkpoint, names


def main() -> None:
    args = parse_args()
    from mmdet.apis.demo import DemoOptions, run_demo
    from mmdet.apis.live import run_live
    (run_live if args.live else run_demo)(DemoOptions(**vars(args)))


if __name__ == '__main__':
    run_tool(main)
