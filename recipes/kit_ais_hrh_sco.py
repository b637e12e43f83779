"""HRH-SCO, small, on real nadir frames (KIT AIS vehicles); n = 2 unless set.

Command: hrhsco train kit_ais_hrh_sco --data data/kit_ais_vehicles
Cost: a few minutes on 2 CPU cores.
"""

_base_ = [
    "kit_ais_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
