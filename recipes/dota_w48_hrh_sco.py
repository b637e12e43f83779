"""HRH-SCO, HRNet-W48, on tiles of DOTA, horizontal boxes, 1024x1024; n = 2 unless set.

Command: hrhsco train dota_w48_hrh_sco --data data/dota_tiles --device cuda
Cost: above the baseline's; see FLOPs in the report.
"""

_base_ = [
    "dota_w48_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
