"""FCOS (arXiv 1904.01355) on HRNet-W48, at strides 4 to 64 for tiny objects.

Backbone and neck are YOLC's here, the neck with five outputs. Published are strides 8 to 128; a
level's objects stay below 8 times its stride, as there.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_hrnet_w48.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::fcos/fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco.py"
)["model"]
model = dict(
    type="FCOS",
    neck=dict(num_outs=5),
    bbox_head={
        **published["bbox_head"],
        "_delete_": True,
        "in_channels": 384,
        "strides": [4, 8, 16, 32, 64],
        "regress_ranges": [[-1, 32], [32, 64], [64, 128], [128, 256], [256, 1e8]],
    },
    test_cfg={**published["test_cfg"], "_delete_": True, "max_per_img": 500},
)
del importlib, published
