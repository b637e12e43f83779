"""YOLC's epochs, warm-up and steps with DINO's own optimizer, which SGD does not stand in for.

DINO is published with AdamW at batch 16, gradients cut at a norm of 0.1 and a slower backbone.
mmengine scales its learning rate to the batch that is used.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_48e.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py"
)
optim_wrapper = {**published["optim_wrapper"], "_delete_": True}
auto_scale_lr = dict(enable=True, base_batch_size=16)
del importlib, published
