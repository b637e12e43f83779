"""HRH-SCO, HRNet-W48, on AI-TOD (or AI-TOD-v2) at 800x800; n = 2 unless set.

Command: hrhsco train aitod_w48_hrh_sco --data data/aitod --device cuda
Cost: above the baseline's; see FLOPs in the report.
"""

_base_ = [
    "aitod_w48_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
