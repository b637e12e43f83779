"""mmdet's FCOS: HRNet-W48 on VisDrone, anchor points at strides 4 to 64.

Paper: arXiv 1904.01355.
Command: hrhsco train visdrone_w48_fcos --data data/visdrone --device cuda
Cost: 587 G MACs and 77.6 M parameters (visdrone_w48_baseline 323 and 68.1); 48 epochs of 5
    passes, not run by the authors of this tool.
Expect: unknown; data, epochs and optimizer are visdrone_w48_baseline's, whose learning rate is
    FCOS's own (0.01 at batch 16) for a batch of 4.
"""

_base_ = [
    "_base_/datasets/visdrone.py",
    "_base_/models/fcos_hrnet_w48.py",
    "_base_/schedules/yolc_48e.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=10))  # training takes the number from the data
