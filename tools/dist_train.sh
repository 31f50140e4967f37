#!/usr/bin/env bash
# Train with one process a GPU (or CPU processes on a machine without one):
#   bash tools/dist_train.sh CONFIG GPUS [--validate and other flags of tools/train.py]
# Several machines: set NNODES, NODE_RANK and MASTER_ADDR (PORT) on each.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: bash tools/dist_train.sh CONFIG GPUS [flags of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
shift 2

TRAIN=$(dirname "$0")/train.py
if [ "${NNODES:-1}" = 1 ]; then  # a mistake is one sentence then, not torchrun's page
    exec "${PYTHON:-python}" "$TRAIN" "$CONFIG" --gpus "$GPUS" "$@"
fi
exec "${PYTHON:-python}" -m torch.distributed.run --nnodes="$NNODES" \
    --node_rank="${NODE_RANK:-0}" --master_addr="$MASTER_ADDR" --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" "$TRAIN" "$CONFIG" --launcher pytorch "$@"
