from mmdet.models.backbones.resnet import ResNet
from mmdet.models.backbones.resnext import ResNeXt
from mmdet.models.backbones.ssd_vgg import SSDVGG

__all__ = ['ResNeXt', 'ResNet', 'SSDVGG']
