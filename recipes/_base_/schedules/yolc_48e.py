"""YOLC's own schedule, from its public config: SGD, 48 epochs, batch 4, steps at 18 and 24.

The public config repeats the training set 5 times an epoch; the data base does the same.
"""

epochs = 48
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=epochs)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.0025, momentum=0.9, weight_decay=1e-4),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    # Full from step 1000 on, as mmdet 2's warmup_iters=1000; with end=1000 it would be at step 999.
    dict(type="LinearLR", start_factor=0.001, by_epoch=False, begin=0, end=1001),
    dict(type="MultiStepLR", by_epoch=True, milestones=[18, 24], gamma=0.1),
]
