"""YOLC's network as published: HRNet-W48, HRFPN with 384 channels and one stride-4 output."""

_base_ = ["yolc_hrnet_tiny.py"]

model = dict(
    backbone=dict(
        init_cfg=dict(type="Pretrained", checkpoint="open-mmlab://msra/hrnetv2_w48"),
        norm_eval=True,  # its BatchNorm keeps the statistics that it was pretrained with
        extra=dict(
            stage1=dict(num_blocks=(4,), num_channels=(64,)),
            stage2=dict(num_blocks=(4, 4), num_channels=(48, 96)),
            stage3=dict(num_modules=4, num_blocks=(4, 4, 4), num_channels=(48, 96, 192)),
            stage4=dict(num_modules=3, num_blocks=(4, 4, 4, 4), num_channels=(48, 96, 192, 384)),
        ),
    ),
    neck=dict(in_channels=[48, 96, 192, 384], out_channels=384),
    bbox_head=dict(in_channels=384, feat_channels=96, init="yolc"),
    test_cfg=dict(score_thr=0.0),
)
