"""HRH-SCO, small, on real vehicles, KIT AIS downsampled (median 6 to 13 px); n = 2 unless set.

Command: hrhsco train kit_ais_tiny_hrh_sco --data runs/kit_ais_tiny
Cost: 3,600 steps of 8 crops; hrhsco ablate grid kit_ais_tiny --dry-run measures a step here.
"""

_base_ = [
    "kit_ais_tiny_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
