"""The method: network, codec, losses and operators. Tensors in, tensors out.

Importing this package makes ``import mmdet.models`` work on a machine without compiled mmcv (see
``mmcv_bridge``) and registers ``YOLCHead`` and ``GWDLoss`` in ``mmdet.registry.MODELS``; a config
asks for that with ``custom_imports = dict(imports=["heads"])``.
"""

from heads import mmcv_bridge

BACKEND = mmcv_bridge.install()

from heads.losses import GWDLoss  # noqa: E402 - mmdet can be imported only over the bridge
from heads.yolc_head import YOLCHead  # noqa: E402

__all__ = ["BACKEND", "GWDLoss", "YOLCHead"]
