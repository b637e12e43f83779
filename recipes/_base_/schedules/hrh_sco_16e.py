"""HRH-SCO's own schedule, from its public config: SGD, 16 epochs of 1 pass, steps at 8 and 14.

The warm-up is 200 steps from a thousandth of the learning rate (warmup_ratio=0.001); the 25 % that
the config is called after are of the data.
"""

_base_ = ["yolc_48e.py"]

epochs = 16
train_cfg = dict(max_epochs=epochs)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=201),
    dict(type="MultiStepLR", by_epoch=True, milestones=[8, 14], gamma=0.1),
]
