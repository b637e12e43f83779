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
