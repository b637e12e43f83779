"""What every recipe shares: our heads registered, exact resumption, quiet logging."""

custom_imports = dict(imports=["heads.registered", "hrhsco_cli.runs.mmdet_parts"])
default_scope = "mmdet"
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
# Processes that train together, one a GPU; train_dataloader.batch_size is each one's.
processes = 1
# CPU threads of each process where there is no GPU: sums are rounded otherwise with more of them.
threads = 1
# Detections below are left out of the localization matching, not of AP.
min_score = 0.0
# The second pass: k crops an image at most, where objects crowd, are detected on again; 0 is off.
# Testing alone; its other numbers (heads/clusters.py) can be set beside k.
cluster_crops = dict(k=0)
randomness = dict(seed=0, deterministic=False)
log_level = "ERROR"
visualizer = dict(type="Visualizer", vis_backends=[])  # --tensorboard adds one
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=True)
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50),
    param_scheduler=dict(type="ParamSchedulerHook"),
    # Written aside and renamed; the one before stays until training ends, should the newest break.
    checkpoint=dict(
        type="CheckpointHook",
        interval=1,
        max_keep_ckpts=2,
        backend_args=dict(backend="renaming"),
    ),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
load_from = None
resume = False
