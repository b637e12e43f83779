"""YOLC's x4 baseline, HRNet-W48, on VisDrone: ours, for comparison with HRH-SCO and other heads.

Data: hrhsco data convert visdrone FOLDER data/visdrone
Command: hrhsco train visdrone_w48_baseline --data data/visdrone --device cuda
Cost: 48 epochs of 5 passes; not run by the authors of this tool.
Expect: no published figure; yolc_published is YOLC's own experiment. This has its network,
    augmentation, schedule and test size, but trains on no cluster crops and not on rows of score 0,
    crops wider than high, starts the heatmap otherwise (init, focal_prior_bias), and is scored
    without blur and second pass by protocol visdrone.
"""

_base_ = [
    "_base_/datasets/visdrone.py",
    "_base_/models/yolc_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=10))  # training takes the number from the data
