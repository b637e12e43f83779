"""CenterNet (arXiv 1904.07850) on the tiny HRNet: heatmap, size and offset at stride 4.

Backbone and neck are YOLC's here, so that the head alone differs: an offset branch, no upsampling.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_hrnet_tiny.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::centernet/centernet_r18_8xb16-crop512-140e_coco.py"
)["model"]
model = dict(
    bbox_head={
        **published["bbox_head"], "_delete_": True, "in_channels": 32, "feat_channels": 32,
    },
    test_cfg={**published["test_cfg"], "_delete_": True, "topk": 500, "max_per_img": 500},
)  # fmt: skip
del importlib, published
