"""A short AdamW schedule for small networks from scratch: warm-up, even, then down to zero.

Chosen by measuring, with 8 scenes a step and ``init="bilinear"``: recipes/README.md. HRFPN's
features are not normalized, and at the full rate the ReLUs of the box and the offset branch die on
them.
"""

epochs = 10
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=epochs)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=8e-3, weight_decay=1e-4),
    paramwise_cfg=dict(
        custom_keys={
            "neck": dict(lr_mult=0.25),
            "box_branch": dict(lr_mult=0.25),
            "offset_branch": dict(lr_mult=0.25),
        }
    ),
    clip_grad=dict(max_norm=35, norm_type=2),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.1, by_epoch=False, begin=0, end=20),
    dict(
        type="LinearLR",
        start_factor=1.0,
        end_factor=0.0,
        by_epoch=True,
        begin=7,
        end=epochs,
        convert_to_iter_based=True,
    ),
]
