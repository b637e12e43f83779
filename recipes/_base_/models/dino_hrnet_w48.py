"""DINO (arXiv 2203.03605) on HRNet-W48's four maps, strides 4 to 32.

The neck is DINO's own ChannelMapper, since attention wants maps of one width that are normalized.
Published are strides 8 to 64; the finer ones, for tiny objects, make its encoder four times as
long.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_hrnet_w48.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py"
)["model"]
parts = ("num_queries", "with_box_refine", "as_two_stage", "encoder", "decoder",
         "positional_encoding", "dn_cfg", "train_cfg")  # fmt: skip
model = dict(
    type="DINO",
    **{name: published[name] for name in parts},
    neck={**published["neck"], "_delete_": True, "in_channels": [48, 96, 192, 384]},
    bbox_head={**published["bbox_head"], "_delete_": True},
    test_cfg=dict(_delete_=True, max_per_img=500),
)
del importlib, published, parts
