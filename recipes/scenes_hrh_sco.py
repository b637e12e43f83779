"""HRH-SCO, small, on rendered scenes: the study's, trained six times as long; n = 2 unless set.

Command: hrhsco train scenes_hrh_sco --data runs/scenes
Cost: about six minutes on one CPU core with 1,000 scenes of one class at n = 2, eleven at n = 4.
"""

_base_ = ["scenes_baseline.py"]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
