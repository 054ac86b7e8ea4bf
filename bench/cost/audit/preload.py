"""All that the counters need, loaded once in the server that their processes are forked from; nothing counts there."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of libraries about each other, as they load
    import segmentation_models_pytorch  # noqa: F401
    import timm  # noqa: F401

    import bench.cost.audit.fvcore_counter
    import bench.cost.audit.ptflops_counter
    import bench.cost.count  # noqa: F401
