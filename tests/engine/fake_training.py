"""A detector and a data set small enough to train in a moment."""
import numpy as np
import torch
from mmengine.config import Config
from torch import nn

from mmdet.datasets.base import BaseDataset


class FakeDataset(BaseDataset):
    """Pairs of 8x8 frames; what is in them comes from (seed, epoch, index)."""
    CLASSES = ('a', )
    img_norm_cfg = dict(mean=[0, 0, 0], std=[255, 255, 255], to_rgb=True)
    size_divisor = 4

    def __init__(self, length=12):
        self.length = length
        self.flag = (np.arange(length) % 2).astype(np.uint8)

    def __len__(self):
        return self.length

    def parts(self):
        return iter(())  # there is no file to look at

    def sample(self, index, rng):
        frames = [torch.from_numpy(rng.integers(0, 255, (8, 8, 3), dtype=np.uint8))
                  for _ in range(2)]
        return dict(img=frames[0], ref_img=frames[1],
                    img_meta=dict(filename=f'{index}.jpg'),
                    gt_labels=torch.tensor([index % 3]))


class FakeDetector(nn.Module):
    """Losses from the frames, the labels and the generator."""

    def __init__(self, noise=0.1, poison=None):
        super().__init__()
        torch.manual_seed(1)
        self.backbone = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 3)
        self.noise, self.poison = noise, poison

    def forward(self, img, ref_img, img_meta, gt_labels, return_loss):
        assert return_loss and len(img) == len(img_meta)
        x = self.backbone(img).mean((2, 3)) + self.backbone(ref_img).mean((2, 3))
        x = x + self.noise * torch.randn_like(x)
        logits = self.head(x)
        losses = [nn.functional.cross_entropy(row[None], label)
                  for row, label in zip(logits, gt_labels)]
        wrong = self.poison in [meta['filename'] for meta in img_meta]
        return dict(loss_cls=torch.stack(losses).mean(),
                    loss_reg=[logits.square().mean() * (float('nan') if wrong else 1)],
                    acc=torch.tensor(50.))


def fake_config(work_dir, **changes):
    """A classic config with every key of 2019."""
    cfg = dict(
        model=dict(type='MaskRCNN'),
        data=dict(imgs_per_gpu=2, workers_per_gpu=0, train=dict(), val=dict()),
        optimizer=dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.0001),
        optimizer_config=dict(grad_clip=dict(max_norm=35, norm_type=2)),
        lr_config=dict(policy='step', warmup='linear', warmup_iters=4,
                       warmup_ratio=1 / 3, step=[2]),
        checkpoint_config=dict(interval=1),
        log_config=dict(interval=2, hooks=[dict(type='TextLoggerHook')]),
        total_epochs=3, dist_params=dict(backend='nccl'), log_level='INFO',
        work_dir=str(work_dir), load_from=None, resume_from=None, seed=5, num_threads=1,
        workflow=[('train', 1)])
    cfg.update(changes)
    return Config(cfg)
