"""mmdet's RTMDet head: HRNet-W48 on VisDrone, anchor points at strides 4 to 16.

Paper: arXiv 2212.07784.
Command: hrhsco train visdrone_w48_rtmdet --data data/visdrone --device cuda
Cost: 453 G MACs and 72.6 M parameters (visdrone_w48_baseline 323 and 68.1); 48 epochs of 5
    passes, not run by the authors of this tool.
Expect: unknown; data and epochs are visdrone_w48_baseline's, the optimizer is RTMDet's own.
"""

_base_ = [
    "_base_/datasets/visdrone.py",
    "_base_/models/rtmdet_hrnet_w48.py",
    "_base_/schedules/rtmdet_48e.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=10))  # training takes the number from the data
