#!/usr/bin/env bash
# From a fresh clone to a trained and scored tracker, in minutes on two CPU cores:
# sets up, makes a small data set of moving shapes, trains MaskTrack R-CNN on it,
# tests it on videos it never saw, scores and draws them.
#
#   bash tools/quickstart.sh [WORK_DIR]      (in the cloned folder; default: work_dirs/quickstart)
#
# Run again, it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in -h|--help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;; esac

config=configs/masktrack_rcnn_r18_fpn_shapes.py
work=${1:-work_dirs/quickstart}
step() { printf '\n[%d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

step '1/4 set up: requirements and operators'
bash compile.sh
PYTHON=$(bash tools/setup/python.sh)
step '2/4 data: 160 training and 15 validation videos of moving shapes'
"$PYTHON" tools/convert_datasets/make_shapes.py --out data/shapes
step '3/4 train: 2 epochs, some 480 steps each'
amp=()  # bfloat16 where the processor has it: a third faster
if grep -qE 'avx512_bf16|amx_bf16' /proc/cpuinfo 2>/dev/null; then amp=(--amp); fi
"$PYTHON" tools/train.py "$config" --work_dir "$work" --seed 0 --auto-resume ${amp[@]+"${amp[@]}"}
step '4/4 test on the 15 videos it never saw'
"$PYTHON" tools/test_video.py "$config" "$work/latest.pth" --out "$work/results.pkl" \
  --eval segm --save_path "$work/videos"

step 'done'
cat <<EOF
result json     $work/results.pkl.json
training curve  $work/curves.png
videos          $(ls "$work"/videos/* | head -n 1) and $(($(ls "$work"/videos | wc -l) - 1)) more
EOF
