"""DINO (arXiv 2203.03605), small, on the tiny HRNet's four maps, strides 4 to 32.

The neck is DINO's own ChannelMapper, since attention wants maps of one width that are normalized.
Published are strides 8 to 64, 6 + 6 layers of width 256 and 900 queries.
"""

import importlib  # mmengine takes a config with imports of its own for another kind

_base_ = ["yolc_hrnet_tiny.py"]

published = importlib.import_module("mmengine.hub").get_config(
    "mmdet::dino/dino-4scale_r50_8xb2-12e_coco.py"
)["model"]
width = 64
ffn = dict(embed_dims=width, feedforward_channels=4 * width, ffn_drop=0.0)
attention = dict(embed_dims=width, num_levels=4, dropout=0.0)
model = dict(
    type="DINO",
    num_queries=100,
    with_box_refine=True,
    as_two_stage=True,
    neck={
        **published["neck"],
        "_delete_": True,
        "in_channels": [16, 32, 64, 128],
        "out_channels": width,
        "norm_cfg": dict(type="GN", num_groups=8),
    },
    encoder=dict(num_layers=2, layer_cfg=dict(self_attn_cfg=attention, ffn_cfg=ffn)),
    decoder=dict(
        num_layers=2,
        return_intermediate=True,
        layer_cfg=dict(
            self_attn_cfg=dict(embed_dims=width, num_heads=8, dropout=0.0),
            cross_attn_cfg=attention,
            ffn_cfg=ffn,
        ),
        post_norm_cfg=None,
    ),
    positional_encoding={**published["positional_encoding"], "num_feats": width // 2},
    bbox_head={**published["bbox_head"], "_delete_": True, "embed_dims": width},
    dn_cfg=published["dn_cfg"],
    train_cfg=published["train_cfg"],
    test_cfg=dict(_delete_=True, max_per_img=100),
)
del importlib, published, width, ffn, attention
