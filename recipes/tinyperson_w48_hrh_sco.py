"""HRH-SCO, HRNet-W48, on TinyPerson, crops of 640x512; n = 2 unless set.

Command: hrhsco train tinyperson_w48_hrh_sco --data data/tinyperson --device cuda
Cost: above the baseline's; see FLOPs in the report.
"""

_base_ = [
    "tinyperson_w48_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
