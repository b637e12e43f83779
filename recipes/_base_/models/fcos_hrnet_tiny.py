"""FCOS (arXiv 1904.01355) on the tiny HRNet, at strides 4, 8 and 16 for tiny objects.

Backbone and neck are YOLC's here, the neck with three outputs. Published are strides 8 to 128; a
level's objects stay below 8 times its stride, as there.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_hrnet_tiny.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::fcos/fcos_r50-caffe_fpn_gn-head-center-normbbox-centeronreg-giou_1x_coco.py"
)["model"]
model = dict(
    type="FCOS",
    neck=dict(num_outs=3),
    bbox_head={
        **published["bbox_head"],
        "_delete_": True,
        "in_channels": 32,
        "feat_channels": 32,
        "stacked_convs": 2,
        "strides": [4, 8, 16],
        "regress_ranges": [[-1, 32], [32, 64], [64, 1e8]],
        "norm_cfg": dict(type="GN", num_groups=8),
    },
    test_cfg={**published["test_cfg"], "_delete_": True, "max_per_img": 500},
)
del importlib, published
