"""YOLC's x4 baseline, small, on real nadir frames (KIT AIS vehicles).

Command: hrhsco train kit_ais_baseline --data data/kit_ais_vehicles
Cost: a few minutes on 2 CPU cores.
"""

_base_ = [
    "_base_/datasets/kit_ais.py",
    "_base_/models/yolc_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

# 33 pictures, 4 a step: an epoch is 9 steps.
train_cfg = dict(max_epochs=20)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=20),
    dict(type="CosineAnnealingLR", by_epoch=True, T_max=20, convert_to_iter_based=True),
]
default_hooks = dict(checkpoint=dict(interval=5))
model = dict(bbox_head=dict(num_classes=5))  # training takes the number from the data
