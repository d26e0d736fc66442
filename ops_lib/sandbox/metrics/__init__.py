"""CloudWatch's metrics of the pipeline's services, computed from what happened to its messages and requests."""
