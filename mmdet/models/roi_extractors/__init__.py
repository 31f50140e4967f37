from mmdet.models.roi_extractors.single_level import SingleRoIExtractor

__all__ = ['SingleRoIExtractor']
