"""HRH-SCO, small, on rendered scenes; the depth is n = 2 unless set.

Command: hrhsco train quickstart_hrh_sco --set model.bbox_head.heatmap_upsample_num=3
Cost: about a minute on 2 CPU cores at n = 3.
"""

_base_ = [
    "quickstart_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
