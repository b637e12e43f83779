"""HRH-SCO, HRNet-W48, on UAVDT at 1024x540; n = 2 unless set.

Command: hrhsco train uavdt_w48_hrh_sco --data data/uavdt --device cuda
Cost: above the baseline's; see FLOPs in the report.
"""

_base_ = [
    "uavdt_w48_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
