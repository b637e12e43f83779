"""YOLC's x4 baseline, small, on real vehicles, KIT AIS downsampled (median 6 to 13 px).

Command: hrhsco train kit_ais_tiny_baseline --data runs/kit_ais_tiny
Data: see recipes/_base_/datasets/kit_ais_tiny.py.
Cost: 3,600 steps of 8 crops; hrhsco ablate grid kit_ais_tiny --dry-run measures a step here.
"""

_base_ = [
    "_base_/datasets/kit_ais_tiny.py",
    "_base_/models/yolc_hrnet_tiny.py",
    "_base_/schedules/adamw.py",
    "_base_/runtime.py",
]

custom_imports = dict(
    imports=["heads.registered", "hrhsco_cli.runs.mmdet_parts", "hrhsco_cli.runs.transposing"]
)
# 150 steps an epoch: 3,600 in all.
train_cfg = dict(max_epochs=24)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=100),
    dict(type="CosineAnnealingLR", by_epoch=True, T_max=24, convert_to_iter_based=True),
]
model = dict(bbox_head=dict(num_classes=1))  # training takes the number from the data
