"""mmdet's FCOS, small, on rendered scenes: anchor points at strides 4 to 16.

Paper: arXiv 1904.01355.
Command: hrhsco train quickstart_fcos --data runs/scenes
Cost: somewhat above quickstart_baseline's, a minute or two on 2 CPU cores.
Expect: 500 steps from random weights are few for it.
"""

_base_ = [
    "_base_/datasets/scenes.py",
    "_base_/models/fcos_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

model = dict(bbox_head=dict(num_classes=3))  # training takes the number from the data
# The schedule's rates are tuned for YOLC's heads.
optim_wrapper = dict(paramwise_cfg=None, optimizer=dict(lr=2e-3))
