"""HRH-SCO, HRNet-W48, on any YOLO folder (or COCO), crops of 640x640; n = 2 unless set.

Command: hrhsco train yolo_w48_hrh_sco --data data/mine --device cuda
Cost: above the baseline's; see FLOPs in the report.
"""

_base_ = [
    "yolo_w48_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
