"""YOLC's epochs, warm-up and steps with RTMDet's own optimizer, which SGD does not stand in for.

RTMDet is published with AdamW at batch 256.
mmengine scales its learning rate to the batch that is used.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_48e.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::rtmdet/rtmdet_l_8xb32-300e_coco.py"
)
optim_wrapper = {**published["optim_wrapper"], "_delete_": True}
auto_scale_lr = dict(enable=True, base_batch_size=256)
del importlib, published
