"""HRH-SCO on the full network, HRNet-W48, on VisDrone: ours, for comparison; n = 2 unless set.

Command: hrhsco train visdrone_w48_hrh_sco --data data/visdrone --device cuda
Cost: above the baseline's; see FLOPs in the report.
Expect: no published figure; hrh_sco_published is the public config's own experiment (n = 1,
    640x384, boxes refined by a plain convolution). All but the head is visdrone_w48_baseline's.
"""

_base_ = [
    "visdrone_w48_baseline.py",
]

model = dict(
    bbox_head=dict(use_hrh_sco=True, heatmap_upsample_num=2),
    test_cfg=dict(center_source="sco"),
)
