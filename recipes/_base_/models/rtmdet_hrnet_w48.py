"""RTMDet-l's head (arXiv 2212.07784) on HRNet-W48, at strides 4, 8 and 16 for tiny objects.

Backbone and neck are YOLC's here, the neck with three outputs. Published are CSPNeXt, CSPNeXtPAFPN
and strides 8 to 32, with mosaic, mix-up and an averaged model, which no row of ours has.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_hrnet_w48.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::rtmdet/rtmdet_l_8xb32-300e_coco.py"
)["model"]
model = dict(
    type="RTMDet",
    neck=dict(num_outs=3),
    bbox_head={
        **published["bbox_head"],
        "_delete_": True,
        "in_channels": 384,
        "anchor_generator": dict(type="MlvlPointGenerator", offset=0, strides=[4, 8, 16]),
        "norm_cfg": dict(type="BN"),  # over several GPUs RTMDet makes it SyncBN itself
    },
    train_cfg=published["train_cfg"],
    test_cfg={**published["test_cfg"], "_delete_": True, "max_per_img": 500},
)
del importlib, published
