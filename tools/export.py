"""Write the network of a tracking detector as ONNX or as a torch.export archive.

    python tools/export.py CONFIG CHECKPOINT --format onnx --out FILE.onnx --verify
    python tools/demo.py CONFIG VIDEO --onnx FILE.onnx

The file has backbone, neck, proposals, box and mask heads and embeddings, in
standard operators: nothing of this repository is needed to run it. It is for
frames of one size (--shape). What is in it: .github/docs/export.md.
"""
import argparse
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from mmdet.utils.cli import ConfigOptions, ToolParser, run_tool, width_x_height  # noqa: E402


def parse_args() -> argparse.Namespace:
    """The command line."""
    parser = ToolParser(__doc__)
    add = parser.add_argument
    add('config', help='config file of the detector; it is Python and will be run')
    add('checkpoint', help='path or URL of its weights')
    add('--format', choices=['onnx', 'torch'], default='onnx', help='what to write')
    add('--out', metavar='FILE', help='X.onnx or X.pt2; default: the name of the checkpoint, here')
    add('--shape', type=width_x_height, default='1280x720', metavar='WxH',
        help='size of the frames before they are resized')
    add('--verify', nargs='?', const='', metavar='VIDEO',
        help='run the file on frames of a video (default: those of data.test) and compare what '
             'it finds with PyTorch; status 1 if it differs')
    add('--frames', type=int, default=10, metavar='N', help='how many frames to compare')
    add('--cfg-options', nargs='+', action=ConfigOptions, default={}, metavar='KEY=VALUE',
        help='override the config, e.g. test_cfg.rcnn.score_thr=0.1')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from mmdet.apis.export import ExportOptions, export_detector
    export_detector(ExportOptions(**vars(args)))


if __name__ == '__main__':
    run_tool(main)
