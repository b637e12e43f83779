"""YOLC's shape at a size that trains on 2 CPU cores: a narrow HRNet, HRFPN with 32 channels."""

model = dict(
    type="CenterNet",
    data_preprocessor=dict(
        type="DetDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=32,
    ),
    backbone=dict(
        type="HRNet",
        norm_eval=False,
        extra=dict(
            stage1=dict(
                num_modules=1,
                num_branches=1,
                block="BOTTLENECK",
                num_blocks=(1,),
                num_channels=(16,),
            ),
            stage2=dict(
                num_modules=1,
                num_branches=2,
                block="BASIC",
                num_blocks=(1, 1),
                num_channels=(16, 32),
            ),
            stage3=dict(
                num_modules=1,
                num_branches=3,
                block="BASIC",
                num_blocks=(1, 1, 1),
                num_channels=(16, 32, 64),
            ),
            stage4=dict(
                num_modules=1,
                num_branches=4,
                block="BASIC",
                num_blocks=(1, 1, 1, 1),
                num_channels=(16, 32, 64, 128),
            ),
        ),
    ),
    neck=dict(type="HRFPN", in_channels=[16, 32, 64, 128], out_channels=32, num_outs=1),
    bbox_head=dict(
        type="YOLCHead", in_channels=32, feat_channels=32, num_classes=80, init="bilinear"
    ),
    test_cfg=dict(center_source="regression", topk=1000, score_thr=0.05),
)
