"""Importing this module puts this package's components into ``mmdet.registry.MODELS``.

It also makes ``import mmdet.models`` work on a machine without compiled mmcv (``mmcv_bridge``). A
config asks for it with ``custom_imports = dict(imports=["heads.registered"])``. It takes seconds,
mmdet being large; the rest of the package can be used without it.
"""

from heads import mmcv_bridge

BACKEND = mmcv_bridge.install()

from heads.cluster_crops import ClusterCropDetector  # noqa: E402 - mmdet can be imported only
from heads.losses import GWDLoss  # noqa: E402 - over the bridge
from heads.yolc_head import YOLCHead  # noqa: E402

__all__ = ["BACKEND", "ClusterCropDetector", "GWDLoss", "YOLCHead"]
