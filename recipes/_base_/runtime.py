"""What every recipe shares: our heads registered, one checkpoint kept, quiet logging."""

custom_imports = dict(imports=["heads.registered", "hrhsco_cli.runs.mmdet_parts"])
default_scope = "mmdet"
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
randomness = dict(seed=0, deterministic=False)
log_level = "ERROR"
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=True)
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=1, max_keep_ckpts=1),
    sampler_seed=dict(type="DistSamplerSeedHook"),
)
load_from = None
resume = False
